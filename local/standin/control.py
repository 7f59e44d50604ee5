"""The stand-in's own HTTP surface, for people and tests. Everything takes and gives JSON, the page aside.

``GET /``
    The page.
``GET /_received?method=&path=&since=&limit=``
    What it received, in order; with ``at_least=N&wait_s=S`` it waits up to S seconds for that many. DELETE forgets.
``GET /_control``
    Faults, clock, webhooks, documents, and the controls there are.
``POST /_control/<control>``
    Those of every stand-in (`kit`) and the service's own; README.md has examples.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from integrations.telemetry.http import operational_routes
from local.standin.faults import Faults
from local.standin.instruction import Instruction, describe_types, read_json
from local.standin.kit import Kit
from local.standin.page import render_page
from local.standin.service import Refusal, Service
from local.standin.store import Received

_PAGE_REQUESTS = 100
_LONGEST_WAIT_S = 60.0
_TICK_S = 1.0


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
        self._instructions: Mapping[str, Instruction] = {
            **Kit(service, faults).instructions(),
            **service.instructions(),
        }

    def application(self) -> Starlette:
        """The application for the kit's own paths; its lifespan runs the webhook loop."""
        return Starlette(
            routes=[
                Route("/", self._page),
                Route("/_received", self._received),
                Route("/_received", self._forget_received, methods=["DELETE"]),
                Route("/_control", self._status),
                Route("/_control/faults", self._clear_faults, methods=["DELETE"]),
                Route("/_control/{control:path}", self._carry_out, methods=["POST"]),
                *operational_routes({}),
            ],
            exception_handlers={HTTPException: self._explain},
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

    async def _page(self, request: Request) -> Response:
        received = self._service.store.latest_received(_PAGE_REQUESTS)
        address = str(request.base_url).rstrip("/")
        return HTMLResponse(render_page(self._service, received, self._instructions, address=address))

    async def _received(self, request: Request) -> Response:
        query = request.query_params
        try:
            at_least = int(query.get("at_least", 0))
            wait_s = float(query.get("wait_s", 0))
            since, limit = int(query.get("since", 0)), int(query.get("limit", 1000))
        except ValueError as error:
            return JSONResponse({"error": f"at_least, wait_s, since and limit are numbers: {error}"}, 400)
        give_up_at = time.monotonic() + (min(wait_s, _LONGEST_WAIT_S) if wait_s > 0 else 0)
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
                "controls": {name: _describe(one) for name, one in self._instructions.items()},
            }
        )

    async def _clear_faults(self, _request: Request) -> Response:
        self._faults.clear()
        return JSONResponse({"faults": []})

    async def _carry_out(self, request: Request) -> Response:
        instruction = self._instructions.get(request.path_params["control"])
        if instruction is None:
            raise HTTPException(404)
        answer: Any = None
        try:
            bodies = instruction.read(await read_json(request))
            with self._service.store.transaction():
                for body in bodies:
                    answer = instruction.carry_out(body)
        except ValueError as error:
            return JSONResponse({"error": str(error)}, 400)
        except Refusal as refusal:
            return Response(refusal.reply.body, refusal.reply.status, media_type="application/json")
        self._service.webhooks.wake()
        return JSONResponse(answer)

    async def _explain(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        controls = ", ".join(f"POST /_control/{name}" for name in self._instructions)
        sentence = (
            f"there is no {request.method} {request.url.path} here; there are GET /, GET and DELETE /_received, "
            f"GET /_control, DELETE /_control/faults, {controls}"
        )
        return JSONResponse({"error": sentence}, error.status_code)


def _describe(instruction: Instruction) -> dict[str, Any]:
    return {
        "about": instruction.about,
        "fields": {name: describe_types(types) for name, types in instruction.fields.items()},
        "example": instruction.example,
    }


def _as_json(one: Received) -> dict[str, Any]:
    body: Any = one.body
    if body is not None:
        with suppress(ValueError):
            body = orjson.loads(body)
    return {**asdict(one), "body": body}
