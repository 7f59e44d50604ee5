"""The pharmacy network's calls that the platform makes; `local/pharmacy/API.md` describes them.

An order is made with the network's ``Idempotency-Key``, which it remembers for a day. Beyond that, it takes one order
for a reference: asked for a second one it answers 409 ``duplicate_reference`` with the first one's id, and the client
gives that. So an order is made once, also when its event is replayed a month later.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from integrations.client import OutsideClient
from integrations.errors import PermanentError, ServerFault
from integrations.http import Answer, HttpClient, Problem, path
from integrations.pharmacy.settings import PharmacySettings
from integrations.pharmacy.types import Address, NewOrder, Order, OrderPage

SERVICE: Final = "pharmacy"

#: Codes of refusals that a caller acts on.
DUPLICATE_REFERENCE: Final = "duplicate_reference"
KEY_REUSED: Final = "idempotency_key_reused"
NOT_REFILLABLE: Final = "order_not_refillable"
NOT_CANCELLABLE: Final = "order_not_cancellable"

_LARGEST_PAGE: Final = 100


class PharmacyClient(OutsideClient):
    """Calls the network. Open it once per program: ``async with PharmacyClient(settings) as pharmacy``."""

    def __init__(self, settings: PharmacySettings) -> None:
        self._http = HttpClient(
            service=SERVICE,
            base_url=settings.base_url,
            settings=settings,
            headers={"authorization": f"Bearer {settings.api_key.get_secret_value()}"},
            idempotency_header="Idempotency-Key",
            read_problem=_read_problem,
        )
        super().__init__(self._http.guard, self._http.aclose)

    async def create_order(self, order: NewOrder, *, idempotency_key: str) -> Order:
        """The order for this fill, made once for its reference.

        Raises PermanentError for what the network won't take (``code`` and ``param`` say why).
        """
        return await self._once(
            "create_order", "/v1/orders", _body(order), reference=order.reference, idempotency_key=idempotency_key
        )

    async def refill_order(
        self,
        order_id: str,
        *,
        reference: str,
        fill_number: int,
        phone: str | None,
        address: Address,
        idempotency_key: str,
    ) -> Order:
        """The order for the next fill of a prescription, made once for its reference; ``order_id`` is an earlier one.

        Nothing but the address is sent again. Raises PermanentError with code ``order_not_refillable`` unless that
        order was delivered, NotFound for an unknown one.
        """
        body = _json({"reference": reference, "fill_number": fill_number, "phone": phone, "address": asdict(address)})
        url_path = path("/v1/orders/{id}/refills", id=order_id)
        return await self._once("refill_order", url_path, body, reference=reference, idempotency_key=idempotency_key)

    async def _once(self, operation: str, url_path: str, body: Any, *, reference: str, idempotency_key: str) -> Order:
        try:
            answer = await self._http.call(operation, "POST", url_path, body=body, idempotency_key=idempotency_key)
        except PermanentError as error:
            # A key that came with another body: the address was put right between two attempts, or the first one was
            # made after all.
            if error.code not in {DUPLICATE_REFERENCE, KEY_REUSED}:
                raise
            existing = await self.find_order(reference)
            if existing is None:
                raise
            return existing
        return _order(answer, operation)

    async def get_order(self, order_id: str) -> Order:
        """The order as it is now; raises NotFound."""
        return _order(await self._http.call("get_order", "GET", path("/v1/orders/{id}", id=order_id)), "get_order")

    async def find_order(self, reference: str) -> Order | None:
        """The order made for a fill of ours, or None."""
        answer = await self._http.call("find_order", "GET", "/v1/orders", query={"reference": reference})
        page = _page(answer, "find_order")
        return page.orders[0] if page.orders else None

    async def list_orders(
        self, *, updated_since: datetime | None = None, cursor: str | None = None, limit: int = _LARGEST_PAGE
    ) -> OrderPage:
        """Orders changed at or after that moment, the earliest change first; at most 100 a page."""
        query: dict[str, Any] = {"limit": limit}
        if updated_since is not None:
            query["updated_since"] = updated_since.isoformat()
        if cursor is not None:
            query["cursor"] = cursor
        return _page(await self._http.call("list_orders", "GET", "/v1/orders", query=query), "list_orders")

    async def cancel_order(self, order_id: str, *, reason: str, idempotency_key: str) -> Order:
        """The order, cancelled. Safe to repeat.

        Raises PermanentError with code ``order_not_cancellable`` once it is filled or over, NotFound for an unknown
        one.
        """
        answer = await self._http.call(
            "cancel_order",
            "POST",
            path("/v1/orders/{id}/cancel", id=order_id),
            body={"reason": reason},
            idempotency_key=idempotency_key,
        )
        return _order(answer, "cancel_order")


def _body(order: NewOrder) -> dict[str, Any]:
    given = asdict(order)
    given["pharmacy"] = {"ncpdp_id": given.pop("pharmacy_ncpdp_id")}
    json: dict[str, Any] = _json(given)
    return json


def _json(value: Any) -> Any:
    """JSON values; amounts go as decimal text, so that none is rounded on the way, and what is absent is left out."""
    match value:
        case dict():
            return {name: _json(one) for name, one in value.items() if one is not None}
        case datetime() | date():
            return value.isoformat()
        case Decimal():
            return f"{value:f}"
        case _:
            return value


def _order(answer: Answer, operation: str) -> Order:
    replayed = answer.headers.get("idempotent-replayed") == "true"
    try:
        return Order.parse(answer.data["order"], replayed=replayed)
    except (KeyError, TypeError, ValueError) as error:
        raise _unexpected(operation, answer) from error


def _page(answer: Answer, operation: str) -> OrderPage:
    try:
        orders = tuple(Order.parse(raw) for raw in answer.data["orders"])
        return OrderPage(orders=orders, next_cursor=answer.data.get("next_cursor"))
    except (KeyError, TypeError, ValueError) as error:
        raise _unexpected(operation, answer) from error


def _unexpected(operation: str, answer: Answer) -> ServerFault:
    return ServerFault(service=SERVICE, operation=operation, code="unexpected_answer", status=answer.status)


def _read_problem(data: Any) -> Problem:
    """From ``{"error": {"code", "message", "param"}}``."""
    error = data.get("error") if isinstance(data, Mapping) else None
    if not isinstance(error, Mapping):
        return Problem()
    return Problem(code=error.get("code"), param=error.get("param"), detail=error.get("message"))
