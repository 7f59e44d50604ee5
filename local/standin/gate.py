"""The way of one request through a stand-in: fault, credentials, remembered answer, handler, record."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import structlog
from starlette.types import ASGIApp, Receive, Scope, Send

from local.standin.faults import Fault, Faults
from local.standin.service import Call, Idempotency, Refusal, Reply, Service
from local.standin.store import KeptAnswer

_OWN_PATHS = ("/", "/healthz", "/readyz", "/metrics")
_OWN_FOLDERS = ("/_received", "/_control")
_TRANSPORT = "standin.transport"

_log = structlog.get_logger(__name__)


class Gate:
    """The ASGI application in front: its own pages go to ``control``, everything else is the service's."""

    def __init__(self, service: Service, faults: Faults, control: ASGIApp) -> None:
        self._service = service
        self._faults = faults
        self._control = control
        self._arrived = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http" or is_own(scope["path"]):
            await self._control(scope, receive, send)
            return
        await self._serve(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request for the service."""
        call = await _read_call(scope, receive)
        reply, delay_s = await self._answer(call, scope)
        if delay_s:
            await asyncio.sleep(delay_s)
        if reply is None:
            await _drop(scope, receive)
            return
        headers = {
            "content-type": "application/json;charset=utf-8",
            **reply.headers,
            "content-length": str(len(reply.body)),
        }
        encoded = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": reply.status, "headers": encoded})
        await send({"type": "http.response.body", "body": reply.body})

    def next_arrival(self) -> asyncio.Event:
        """What is set when the next request has been recorded: the next after this call, whenever it is awaited."""
        return self._arrived

    async def _answer(self, call: Call, scope: Scope) -> tuple[Reply | None, float]:
        """What to answer (None: drop the connection) and how late; everything is recorded before."""
        fault = self._faults.take(call.method, call.path)
        misbehaves = fault is not None and (fault.drop or fault.status is not None)
        if fault is not None and misbehaves and not fault.after_work:
            reply = self._fault_reply(fault)
            self._record(call, reply, fault=fault)
        else:
            reply = await self._work(call, fault, scope)
        self._arrived.set()
        self._arrived = asyncio.Event()
        self._service.webhooks.wake()
        return reply, fault.delay_s if fault is not None else 0.0

    async def _work(self, call: Call, fault: Fault | None, _scope: Scope) -> Reply | None:
        """The service's answer, recorded. Nothing is awaited, so that requests don't come between each other."""
        instead = fault if fault is not None and fault.after_work else None
        try:
            with self._service.store.transaction():
                reply, replayed = self._handle(call)
                shown = self._fault_reply(instead) if instead is not None else reply
                self._record(call, shown, fault=fault, replayed=replayed)
        except Refusal as refusal:
            shown = self._fault_reply(instead) if instead is not None else refusal.reply
            self._record(call, shown, fault=fault)
        except Exception:
            _log.exception("standin.handler_failed", method=call.method, path=call.path)
            shown = self._service.error(500)
            self._record(call, shown, fault=fault)
        return shown

    def _handle(self, call: Call) -> tuple[Reply, bool]:
        service = self._service
        stranger = service.refuse_stranger(call)
        if stranger is not None:
            raise Refusal(stranger)
        found = service.routes.find(call.method, call.path)
        if found is None:
            raise Refusal(service.error(404))
        handler, params = found
        call = Call(
            method=call.method,
            path=call.path,
            params=params,
            query_string=call.query_string,
            headers=call.headers,
            body=call.body,
        )
        rules = service.idempotency
        key = call.headers.get(rules.header) if rules is not None else None
        if rules is None or key is None or not rules.applies(call):
            return handler(call), False
        return self._handle_once(call, handler, rules, key)

    def _handle_once(
        self, call: Call, handler: Callable[[Call], Reply], rules: Idempotency, key: str
    ) -> tuple[Reply, bool]:
        store = self._service.store
        fingerprint = hashlib.sha256(call.body).hexdigest()
        kept = store.kept_answer(key, call.method, call.path, now=time.time())
        if kept is not None:
            if kept.fingerprint != fingerprint:
                raise Refusal(rules.mismatch(call))
            return Reply(status=kept.status, body=kept.body, headers=rules.replay_headers), True
        reply = handler(call)
        store.keep_answer(
            key,
            call.method,
            call.path,
            KeptAnswer(fingerprint=fingerprint, status=reply.status, body=reply.body),
            until=time.time() + rules.keep.total_seconds(),
        )
        return Reply(status=reply.status, body=reply.body, headers={**reply.headers, **rules.fresh_headers}), False

    def _fault_reply(self, fault: Fault) -> Reply | None:
        if fault.drop:
            return None
        if fault.status is None:
            raise AssertionError("a fault that neither drops nor has a status gives no reply of its own")
        return self._service.error(fault.status, retry_after_s=fault.retry_after_s)

    def _record(self, call: Call, reply: Reply | None, *, fault: Fault | None, replayed: bool = False) -> None:
        service = self._service
        header = service.idempotency.header if service.idempotency is not None else service.shown_key_header
        self._service.store.record(
            {
                "at": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                "method": call.method,
                "path": call.path,
                "query": call.query_string,
                "idempotency_key": call.headers.get(header) if header is not None else None,
                "traceparent": call.headers.get("traceparent"),
                "body": call.body.decode("utf-8", "replace") if call.body else None,
                "status": reply.status if reply is not None else None,
                "replayed": replayed,
                "fault": str(fault) if fault is not None else None,
            }
        )


def keep_transport(app: ASGIApp) -> ASGIApp:
    """Remember the connection's transport, which no ASGI extension offers; put it outermost. Works under uvicorn."""

    async def outer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope[_TRANSPORT] = getattr(getattr(send, "__self__", None), "transport", None)
        await app(scope, receive, send)

    return outer


async def _drop(scope: Scope, receive: Callable[[], Awaitable[Any]]) -> None:
    transport = scope.get(_TRANSPORT)
    if transport is None:
        raise RuntimeError("a connection can only be dropped under uvicorn, with keep_transport outermost")
    transport.abort()
    # Once uvicorn knows that the client is gone, it doesn't send a 500 of its own.
    while (await receive())["type"] != "http.disconnect":
        pass


async def _read_call(scope: Scope, receive: Receive) -> Call:
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            break
    return Call(
        method=scope["method"],
        path=scope["path"],
        params={},
        query_string=scope["query_string"].decode("latin-1"),
        headers={name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]},
        body=b"".join(parts),
    )


def is_own(path: str) -> bool:
    """Whether the path is the kit's, not the service's."""
    return path in _OWN_PATHS or path.startswith(_OWN_FOLDERS)
