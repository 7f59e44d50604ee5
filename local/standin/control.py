"""The stand-in's own HTTP surface, for people and tests. Everything takes and gives JSON, the page aside.

``GET /``
    The page.
``GET /_received?method=&path=&since=&limit=``
    What it received, in order; with ``at_least=N&wait_s=S`` it waits up to S seconds for that many. DELETE forgets.
``GET /_control``
    Faults, clock, webhooks, documents.
``POST /_control/faults``
    Misbehave: an object, or a list of objects, of ``status, retry_after_s, delay_s, drop, after_work, times, method,
    path`` (see `faults.Fault`). DELETE: behave again.
``POST /_control/clock``
    ``{"now": RFC 3339}``, ``{"advance_s": N}``, or ``{}`` for the machine's time. What falls due then happens.
``POST /_control/webhooks``
    Where they go: ``{"url", "username", "password"}``, or ``{"url": null}`` for nowhere.
``POST /_control/webhooks/send``
    Send one now: ``{"event_type", "content"}``, or ``{"event_id"}`` of an earlier event once more.
``POST /_control/webhooks/shape``, ``POST /_control/webhooks/release``
    ``{"twice": N, "hold": true}``; then let go what was held: ``{"order": "same", "reverse" or "shuffle"}``.
``POST /_control/reset``
    Empty everything and seed again; ``{"seed": false}`` leaves it empty.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from integrations.telemetry.http import operational_routes
from local.standin.bodies import ControlError, need, read_json, read_object
from local.standin.faults import FaultError, Faults, parse_fault
from local.standin.page import render_page
from local.standin.service import Refusal, Service
from local.standin.store import Received
from local.standin.webhooks import Order, Target

_PAGE_REQUESTS = 100
_LONGEST_WAIT_S = 60.0
_TICK_S = 1.0

Endpoint = Callable[[Request], Awaitable[Response]]


def seed_once(service: Service) -> None:
    """Seed a store that has never been seeded."""
    if service.store.setting("seeded") is None:
        with service.store.transaction():
            service.seed()
            service.store.set("seeded", value=True)


class Control:
    """Endpoints over one service."""

    def __init__(self, service: Service, faults: Faults, next_arrival: Callable[[], asyncio.Event]) -> None:
        self._service = service
        self._faults = faults
        self._next_arrival = next_arrival

    def application(self) -> Starlette:
        """The application for the kit's own paths; its lifespan runs the webhook loop."""
        controls = {
            "faults": self._add_fault,
            "clock": self._turn_clock,
            "webhooks": self._aim_webhooks,
            "webhooks/send": self._send_webhook,
            "webhooks/shape": self._shape_webhooks,
            "webhooks/release": self._release_webhooks,
            "reset": self._reset,
            **self._service.controls(),
        }
        return Starlette(
            routes=[
                Route("/", self._page),
                Route("/_received", self._received),
                Route("/_received", self._forget_received, methods=["DELETE"]),
                Route("/_control", self._status),
                Route("/_control/faults", self._clear_faults, methods=["DELETE"]),
                *(
                    Route(f"/_control/{path}", _explaining(endpoint), methods=["POST"])
                    for path, endpoint in controls.items()
                ),
                *operational_routes({}),
            ],
            lifespan=self._lifespan,
        )

    @asynccontextmanager
    async def _lifespan(self, _app: Starlette) -> AsyncIterator[None]:
        service = self._service
        loops = [asyncio.create_task(service.webhooks.run(service.sign_webhook, user_agent=service.title))]
        if service.keeps_time:
            loops.append(asyncio.create_task(self._keep_time()))
        try:
            yield
        finally:
            for loop in loops:
                loop.cancel()
            for loop in loops:
                with suppress(asyncio.CancelledError):
                    await loop

    async def _keep_time(self) -> None:
        while True:
            await asyncio.sleep(_TICK_S)
            with self._service.store.transaction():
                self._service.time_passed()
            self._service.webhooks.wake()

    async def _page(self, _request: Request) -> Response:
        return HTMLResponse(render_page(self._service, self._service.store.latest_received(_PAGE_REQUESTS)))

    async def _received(self, request: Request) -> Response:
        query = request.query_params
        try:
            at_least = int(query.get("at_least", 0))
            wait_s = min(float(query.get("wait_s", 0)), _LONGEST_WAIT_S)
            since, limit = int(query.get("since", 0)), int(query.get("limit", 1000))
        except ValueError as error:
            return JSONResponse({"error": f"at_least, wait_s, since and limit are numbers: {error}"}, 400)
        give_up_at = time.monotonic() + wait_s
        while True:
            found = self._service.store.received(
                method=query.get("method"), path=query.get("path"), since=since, limit=limit
            )
            left_s = give_up_at - time.monotonic()
            if len(found) >= at_least or left_s <= 0:
                break
            # Taken before anything else runs: what arrives before the wait begins ends it, too.
            arrival = self._next_arrival()
            with suppress(TimeoutError):
                await asyncio.wait_for(arrival.wait(), left_s)
        return JSONResponse({"received": [_as_json(one) for one in found]})

    async def _forget_received(self, _request: Request) -> Response:
        self._service.store.forget_received()
        return JSONResponse({"received": []})

    async def _status(self, _request: Request) -> Response:
        service = self._service
        target = service.webhooks.target
        return JSONResponse(
            {
                "service": service.name,
                "now": service.clock.now().isoformat(),
                "faults": [asdict(fault) for fault in self._faults.waiting()],
                "webhooks": {"url": target.url if target else None, "counts": service.webhooks.counts()},
                **service.status(),
            }
        )

    async def _add_fault(self, request: Request) -> Response:
        body = await read_json(request)
        for one in body if isinstance(body, list) else [body]:
            try:
                self._faults.add(parse_fault(one))
            except FaultError as error:
                raise ControlError(str(error)) from error
        return JSONResponse({"faults": [asdict(fault) for fault in self._faults.waiting()]})

    async def _clear_faults(self, _request: Request) -> Response:
        self._faults.clear()
        return JSONResponse({"faults": []})

    async def _turn_clock(self, request: Request) -> Response:
        body = await read_object(request)
        clock = self._service.clock
        with self._service.store.transaction():
            if "now" in body:
                moment = datetime.fromisoformat(body["now"])
                clock.set(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
            elif "advance_s" in body:
                clock.advance(timedelta(seconds=body["advance_s"]))
            else:
                clock.reset()
            self._service.time_passed()
        self._service.webhooks.wake()
        return JSONResponse({"now": clock.now().isoformat()})

    async def _aim_webhooks(self, request: Request) -> Response:
        body = await read_object(request)
        url = need(body, "url")
        target = None
        if url:
            target = Target(url=url, username=body.get("username"), password=body.get("password"))
        self._service.webhooks.aim(target)
        return JSONResponse({"url": url})

    async def _send_webhook(self, request: Request) -> Response:
        body = await read_object(request)
        service = self._service
        with service.store.transaction():
            if "event_id" in body:
                webhook = service.webhook_again(body["event_id"])
            elif "event_type" in body:
                webhook = service.webhook(body["event_type"], body.get("content", {}))
            else:
                raise ControlError('say which: {"event_type": …, "content": {…}} or {"event_id": …}')
            queued = service.webhooks.add(webhook)
        service.webhooks.wake()
        if not queued:
            raise ControlError("webhooks go nowhere: POST /_control/webhooks with a url first")
        return JSONResponse({"event_id": webhook.event_id, "event_type": webhook.event_type})

    async def _shape_webhooks(self, request: Request) -> Response:
        body = await read_object(request)
        self._service.webhooks.shape(twice=body.get("twice"), hold=body.get("hold"))
        return JSONResponse({"counts": self._service.webhooks.counts()})

    async def _release_webhooks(self, request: Request) -> Response:
        body = await read_object(request)
        released = self._service.webhooks.release(Order(body.get("order", Order.SAME)))
        return JSONResponse({"released": released})

    async def _reset(self, request: Request) -> Response:
        body = await read_object(request)
        service = self._service
        self._faults.clear()
        service.webhooks.shape(twice=0, hold=False)
        target = service.webhooks.target
        with service.store.transaction():
            service.store.wipe()
            service.clock.reset()
            # Where webhooks go belongs to the platform, not to the data.
            service.webhooks.aim(target)
            if body.get("seed", True):
                service.seed()
            service.store.set("seeded", value=True)
        return JSONResponse({"documents": service.store.counts()})


def _as_json(one: Received) -> dict[str, Any]:
    body: Any = one.body
    if body is not None:
        with suppress(ValueError):
            body = orjson.loads(body)
    return {**asdict(one), "body": body}


def _explaining(endpoint: Endpoint) -> Endpoint:
    """The endpoint, answering 400 with a sentence for a ValueError, and as the service does where that refuses."""

    async def explained(request: Request) -> Response:
        try:
            return await endpoint(request)
        except ValueError as error:
            return JSONResponse({"error": str(error)}, 400)
        except Refusal as refusal:
            return Response(refusal.reply.body, refusal.reply.status, media_type="application/json")

    return explained
