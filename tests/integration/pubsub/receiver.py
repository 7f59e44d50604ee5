"""A push endpoint: a real HTTP server that answers as it's told and remembers what it got."""

import base64
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self


@dataclass(frozen=True, kw_only=True)
class Push:
    """One request that came in."""

    headers: dict[str, str]
    body: bytes
    at: float

    @property
    def json(self) -> dict[str, Any]:
        envelope: dict[str, Any] = json.loads(self.body)
        return envelope

    @property
    def text(self) -> str:
        return base64.b64decode(self.json["message"].get("data", "")).decode()


#: In place of a status: close the connection without an answer.
HANG_UP = 0

#: Decides on a status for a push, from the push and how many came before it.
Script = Callable[[Push, int], int]


class Receiver:
    """Listens on a free port while it's entered; `script` decides each answer's status."""

    def __init__(self, script: Script = lambda _push, _index: 204, *, port: int = 0) -> None:
        self.pushes: list[Push] = []
        self.concurrent = 0
        self.most_concurrent = 0
        self._script = script
        self._changed = threading.Condition()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = receiver._receive({k.lower(): v for k, v in self.headers.items()}, body)
                if status == HANG_UP:
                    self.close_connection = True
                    return
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """The tests say what went wrong."""

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def url(self) -> str:
        return f"{self.base_url}/events"

    @property
    def texts(self) -> list[str]:
        return [push.text for push in list(self.pushes)]

    def wait_for(self, count: int, *, within_s: float = 20.0) -> list[Push]:
        """Wait until so many pushes were answered."""
        with self._changed:
            came = self._changed.wait_for(lambda: len(self.pushes) >= count, timeout=within_s)
        assert came, f"{len(self.pushes)} of {count} pushes came within {within_s} s: {self.texts}"
        return list(self.pushes)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)

    def _receive(self, headers: dict[str, str], body: bytes) -> int:
        push = Push(headers=headers, body=body, at=time.monotonic())
        with self._changed:
            self.concurrent += 1
            self.most_concurrent = max(self.most_concurrent, self.concurrent)
            index = len(self.pushes)
        status = self._script(push, index)
        with self._changed:
            self.concurrent -= 1
            self.pushes.append(push)
            self._changed.notify_all()
        return status
