"""Faults for an application that has no controls of its own: the same ones that the stand-ins of `local.standin` have.

`POST /_control/faults` takes `{status?, drop?, delay_s?, after_work?, times?, method?, path?}`, `DELETE` forgets it.
`GET /_received` lists the requests under the watched path; `since`, `at_least` and `wait_s` wait for them. `DELETE`
forgets them.
"""

import asyncio
import json
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from starlette.types import ASGIApp, Message, Receive, Scope, Send


@dataclass(kw_only=True)
class Faulty:
    """In front of an application."""

    app: ASGIApp
    #: Paths that begin so are recorded, and may fail.
    watched: str
    received: list[dict[str, Any]] = field(default_factory=list)
    faults: list[dict[str, Any]] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
        elif scope["path"] == "/_received":
            if scope["method"] == "DELETE":
                self.received.clear()
            await self._show(scope, send)
        elif scope["path"] == "/_control/faults":
            self.faults.clear()
            if scope["method"] == "POST":
                self.faults.append({"times": 1} | json.loads((await receive())["body"]))
            await _answer(send, 200, {})
        elif scope["path"].startswith(self.watched):
            await self._pass(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _pass(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        self.received.append(
            {
                "seq": len(self.received) + 1,
                "method": scope["method"],
                "path": scope["path"],
                "traceparent": headers.get(b"traceparent", b"").decode() or None,
            }
        )
        self.arrived.set()
        self.arrived = asyncio.Event()
        fault = self._take(scope["method"], scope["path"])
        if fault is None:
            await self.app(scope, receive, send)
            return
        answer: list[Message] = []
        if fault.get("after_work") or fault.get("delay_s"):

            async def keep(message: Message) -> None:
                answer.append(message)

            await self.app(scope, receive, keep)
        await asyncio.sleep(fault.get("delay_s", 0))
        if fault.get("drop"):
            # Promises more than it sends, so that the connection is cut.
            start = {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"99")]}
            await send(start)
            await send({"type": "http.response.body", "body": b"{"})
        elif fault.get("status"):
            await _answer(send, fault["status"], {"error": {"code": fault["status"], "message": "UNAVAILABLE"}})
        else:
            for message in answer:
                await send(message)

    def _take(self, method: str, path: str) -> dict[str, Any] | None:
        for fault in self.faults:
            fits = fault.get("method", method) == method and re.search(fault.get("path", ""), path)
            if fault["times"] > 0 and fits:
                fault["times"] -= 1
                return fault
        return None

    async def _show(self, scope: Scope, send: Send) -> None:
        query = {name: values[0] for name, values in parse_qs(scope["query_string"].decode()).items()}
        since, wanted = int(query.get("since", 0)), int(query.get("at_least", 0))
        try:
            async with asyncio.timeout(float(query.get("wait_s", 0))):
                while len(self.received) < since + wanted:
                    await self.arrived.wait()
        except TimeoutError:
            pass
        await _answer(send, 200, {"received": self.received[since:]})


async def _answer(send: Send, status: int, body: Any) -> None:
    text = json.dumps(body).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(text)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text})
