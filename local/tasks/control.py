"""HTTP for people and tests.

``GET /_control``
    The time, and how many tasks each queue has.
``POST /_control/clock``
    ``{"now": RFC 3339}``, ``{"advance_s": N}``, or ``{}`` for the machine's time. What falls due then is sent.
"""

from datetime import UTC, datetime
from typing import Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from integrations.telemetry.http import operational_routes
from local.standin.instruction import NUMBER, check_fields, read_json
from local.tasks.dispatch import Dispatcher
from local.tasks.store import Store, to_datetime

#: Where the time is told.
LOOK: Final = "/_control"


def control_application(store: Store, dispatcher: Dispatcher) -> Starlette:
    """The application."""

    def state() -> Response:
        return JSONResponse({"now": to_datetime(store.now()).isoformat(), "queues": store.counts()})

    async def look(_: Request) -> Response:
        return state()

    async def turn_clock(request: Request) -> Response:
        try:
            body = check_fields("the body", await read_json(request), {"now": str, "advance_s": NUMBER})
            if "now" in body:
                moment = datetime.fromisoformat(body["now"])
                store.turn_clock(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
            elif "advance_s" in body:
                store.turn_clock(to_datetime(store.now() + float(body["advance_s"])))
            else:
                store.turn_clock(None)
        except (ValueError, OverflowError) as error:
            message = f'say {{"now": RFC 3339}}, {{"advance_s": N}} or {{}}: {error}'
            return JSONResponse({"error": message}, 400)
        dispatcher.wake()
        return state()

    return Starlette(
        routes=[
            Route(LOOK, look),
            Route("/_control/clock", turn_clock, methods=["POST"]),
            *operational_routes({}),
        ]
    )
