"""The gate in front of an application that is not made of the kit: it is listed what comes, and may be told to fail."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import orjson
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from local.standin.control import Control
from local.standin.faults import Fault, Faults
from local.standin.gate import Gate, is_own
from local.standin.service import Call, Reply, Service

#: Fields of bodies that are never listed.
_SECRETS = frozenset({"password", "idToken", "refreshToken"})
#: Where the request's way to the application stands in its scope.
_APPLICATION = "standin.application"


class Watch(Gate):
    """As `Gate`, but the work is the application's own, and only what comes under some paths is the service's."""

    def __init__(self, service: Service, *, under: tuple[str, ...]) -> None:
        faults = Faults()
        super().__init__(service, faults, Control(service, faults, self.next_arrival).application())
        self._under = under

    async def pass_on(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection in front of the application."""
        if scope["type"] == "http" and is_own(scope["path"]):
            await self(scope, receive, send)
        elif scope["type"] == "http" and scope["method"] != "OPTIONS" and scope["path"].startswith(self._under):
            await self._serve({**scope, _APPLICATION: app}, receive, send)
        else:
            await app(scope, receive, send)

    async def _work(self, call: Call, fault: Fault | None, scope: Scope) -> Reply | None:
        reply: Reply | None = await _ask(scope[_APPLICATION], scope, call.body)
        if fault is not None and fault.after_work:
            reply = self._fault_reply(fault)
        self._record(replace(call, body=_without_secrets(call.body)), reply, fault=fault)
        return reply


class Watched:
    """The watch as a Starlette middleware; it is opened with the application, thus asked for when it is needed."""

    def __init__(self, app: ASGIApp, watch: Callable[[], Watch]) -> None:
        self._app = app
        self._watch = watch

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        else:
            await self._watch().pass_on(self._app, scope, receive, send)


async def _ask(app: ASGIApp, scope: Scope, body: bytes) -> Reply:
    """The application's whole answer."""
    start: Message = {}
    parts: list[bytes] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            start.update(message)
        else:
            parts.append(message.get("body", b""))

    await app(scope, receive, send)
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in start["headers"]}
    return Reply(status=start["status"], body=b"".join(parts), headers=headers)


def _without_secrets(body: bytes) -> bytes:
    try:
        given = orjson.loads(body)
    except orjson.JSONDecodeError:
        return b""
    if not isinstance(given, dict):
        return body
    return orjson.dumps({name: "[not kept]" if name in _SECRETS else value for name, value in given.items()})
