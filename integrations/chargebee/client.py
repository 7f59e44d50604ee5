"""Chargebee's calls that the platform makes.

Every writing method takes the idempotency key of the step that asks for it (event id and step) and may be called again
with it at any later time; where an object's content is written, also with other content. Chargebee itself remembers
keys for half an hour only, so what could be done twice after that is also guarded by content: chosen ids for customers
and subscriptions, the reference of a credit.

https://apidocs.chargebee.com/docs/api?prod_cat_ver=2 (product catalogue 2.0, items and item prices).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

import httpx
import orjson
from chargebee import APIError, http_request

from integrations.chargebee.invoices import InvoicePage, read_page
from integrations.chargebee.listing import PAGE_SIZE, changes, page_of, part_of
from integrations.chargebee.refusals import SERVICE, error_of
from integrations.chargebee.settings import ChargebeeSettings
from integrations.chargebee.transport import UnreadableAnswer, open_site, use_pool
from integrations.chargebee.types import (
    CreditNote,
    Customer,
    Effective,
    Invoice,
    Page,
    PaymentSource,
    PromotionalCredit,
    Resource,
    Subscription,
    Transaction,
    epoch,
)
from integrations.client import OutsideClient
from integrations.errors import (
    AlreadyExists,
    PermanentError,
    error_for_status,
)
from integrations.guard import Guard
from integrations.http import retry_after, translate

IDEMPOTENCY_HEADER = "chargebee-idempotency-key"
IDEMPOTENCY_KEY_LENGTH = 100

# The SDK leaves slashes in ids unquoted, so an id must not be able to name another resource.
_ID = re.compile(r"[A-Za-z0-9_.:~@+-]{1,100}")

Response = TypeVar("Response")


class ChargebeeClient(OutsideClient):
    """Calls one Chargebee site. Open it once per program: ``async with ChargebeeClient(settings) as chargebee``."""

    def __init__(self, settings: ChargebeeSettings) -> None:
        self._site, self._pool = open_site(settings)
        super().__init__(Guard(SERVICE, settings), self._pool.aclose)

    # Customers

    async def create_customer(
        self,
        customer_id: str,
        *,
        email: str | None,
        first_name: str | None,
        last_name: str | None,
        phone: str | None = None,
        idempotency_key: str,
    ) -> Customer:
        """The customer of that id, made now or by an earlier call; an existing one is returned as it is."""
        _check_id(customer_id)
        params = _present(
            {
                "id": customer_id,
                "email": email,
                "first_name": first_name,
                "last_name": last_name,
                "phone": phone,
                "auto_collection": "on",
            }
        )
        try:
            response = await self._call(
                "create_customer",
                lambda: self._site.Customer.create(params, headers=_headers_for(idempotency_key, params)),
            )
        except AlreadyExists:
            return await self.get_customer(customer_id)
        return Customer.parse(response.customer.raw_data)

    async def get_customer(self, customer_id: str) -> Customer:
        """The customer; raises NotFound."""
        _check_id(customer_id)
        response = await self._call("get_customer", lambda: self._site.Customer.retrieve(customer_id))
        return Customer.parse(response.customer.raw_data)

    async def update_customer(
        self,
        customer_id: str,
        *,
        email: str | None = None,
        first_name: str | None = None,
        last_name: str | None = None,
        phone: str | None = None,
        idempotency_key: str,
    ) -> Customer:
        """The customer with the given fields changed; what is None stays as it is."""
        _check_id(customer_id)
        params = _present({"email": email, "first_name": first_name, "last_name": last_name, "phone": phone})
        response = await self._call(
            "update_customer",
            lambda: self._site.Customer.update(customer_id, params, headers=_headers_for(idempotency_key, params)),
        )
        return Customer.parse(response.customer.raw_data)

    async def clear_personal_data(self, customer_id: str, *, idempotency_key: str) -> None:
        """Have Chargebee strike out a customer's personal data, keeping what tax law requires of invoices."""
        _check_id(customer_id)
        await self._call(
            "clear_personal_data",
            lambda: self._site.Customer.clear_personal_data(customer_id, headers=_headers(idempotency_key)),
        )

    # Subscriptions

    async def create_subscription(
        self,
        customer_id: str,
        *,
        subscription_id: str,
        item_price_id: str,
        quantity: int = 1,
        contract_id: str | None = None,
        start_at: datetime | None = None,
        auto_collection: bool = True,
        idempotency_key: str,
    ) -> Subscription:
        """The subscription of that id, made now or by an earlier call. ``start_at`` in the future makes it ``future``.

        Raises PaymentDeclined when the first charge fails and the site refuses such subscriptions.
        """
        _check_id(customer_id)
        _check_id(subscription_id)
        params = _present(
            {
                "id": subscription_id,
                "subscription_items": [{"item_price_id": item_price_id, "quantity": quantity}],
                "cf_contract_id": contract_id,
                "start_date": epoch(start_at) if start_at else None,
                "auto_collection": "on" if auto_collection else "off",
            }
        )
        try:
            response = await self._call(
                "create_subscription",
                lambda: self._site.Subscription.create_with_items(
                    customer_id, params, headers=_headers_for(idempotency_key, params)
                ),
            )
        except AlreadyExists:
            return await self.get_subscription(subscription_id)
        return _subscription(response)

    async def get_subscription(self, subscription_id: str) -> Subscription:
        """The subscription; raises NotFound."""
        _check_id(subscription_id)
        response = await self._call("get_subscription", lambda: self._site.Subscription.retrieve(subscription_id))
        return Subscription.parse(response.subscription.raw_data)

    async def list_subscriptions_of(self, customer_id: str) -> list[Subscription]:
        """All subscriptions of a customer that aren't deleted, of whatever status; none for an unknown one."""
        _check_id(customer_id)
        found: list[Subscription] = []
        offset: str | None = None
        while True:
            query = {"customer_id[is]": customer_id}
            page = await self._list("subscriptions", "subscription", query, offset, PAGE_SIZE)
            found += map(Subscription.parse, page.objects)
            if page.next_offset is None:
                return found
            offset = page.next_offset

    async def get_scheduled_changes(self, subscription_id: str) -> Subscription:
        """The subscription as it will be when its term has ended; raises PermanentError when no change is planned."""
        _check_id(subscription_id)
        response = await self._call(
            "get_scheduled_changes",
            lambda: self._site.Subscription.retrieve_with_scheduled_changes(subscription_id),
        )
        return Subscription.parse(response.subscription.raw_data)

    async def update_subscription_contract(
        self, subscription_id: str, contract_id: str | None, idempotency_key: str
    ) -> Subscription:
        """The subscription with ``cf_contract_id`` set, or cleared by None. Nothing else of it changes."""
        _check_id(subscription_id)
        # `update` is of product catalogue 1.0; with items, custom fields go through `update_for_items`, which leaves
        # the items alone when none are given. The SDK writes None as the empty string, which clears a field.
        response = await self._call(
            "update_subscription_contract",
            lambda: self._site.Subscription.update_for_items(
                subscription_id, {"cf_contract_id": contract_id}, headers=_headers(idempotency_key)
            ),
        )
        return _subscription(response)

    async def change_plan(
        self,
        subscription_id: str,
        *,
        item_price_id: str,
        quantity: int = 1,
        effective: Effective,
        clear_contract: bool = False,
        idempotency_key: str,
    ) -> Subscription:
        """The subscription with another plan in place of its plan; proration is as the site has it.

        Its other items stay: Chargebee adds what is given to what is there, and a subscription has one plan
        (https://apidocs.chargebee.com/docs/api/subscriptions/update-subscription-for-items, ``replace_items_list``).
        It refuses a plan whose period its add-ons don't go with, which is a PermanentError.
        """
        _check_id(subscription_id)
        params: dict[str, Any] = {
            "subscription_items": [{"item_price_id": item_price_id, "quantity": quantity}],
            "end_of_term": effective is Effective.END_OF_TERM,
        }
        if clear_contract:
            params["cf_contract_id"] = None
        response = await self._call(
            "change_plan",
            lambda: self._site.Subscription.update_for_items(
                subscription_id, params, headers=_headers(idempotency_key)
            ),
        )
        return _subscription(response)

    async def pause_subscription(
        self,
        subscription_id: str,
        *,
        effective: Effective,
        resume_at: datetime | None = None,
        idempotency_key: str,
    ) -> Subscription:
        """The subscription, paused or to be paused at the end of its term; ``resume_at`` ends the pause by itself."""
        _check_id(subscription_id)
        params = _present({"pause_option": effective.value, "resume_date": epoch(resume_at) if resume_at else None})
        response = await self._call(
            "pause_subscription",
            lambda: self._site.Subscription.pause(subscription_id, params, headers=_headers(idempotency_key)),
        )
        return _subscription(response)

    async def resume_subscription(self, subscription_id: str, *, idempotency_key: str) -> Subscription:
        """The subscription, resumed now."""
        _check_id(subscription_id)
        response = await self._call(
            "resume_subscription",
            lambda: self._site.Subscription.resume(
                subscription_id, {"resume_option": "immediately"}, headers=_headers(idempotency_key)
            ),
        )
        return _subscription(response)

    async def cancel_subscription(
        self,
        subscription_id: str,
        *,
        effective: Effective,
        reason_code: str | None = None,
        idempotency_key: str,
    ) -> Subscription:
        """The subscription, ``cancelled`` now or ``non_renewing`` until the end of its term."""
        _check_id(subscription_id)
        params = _present({"cancel_option": effective.value, "cancel_reason_code": reason_code})
        response = await self._call(
            "cancel_subscription",
            lambda: self._site.Subscription.cancel_for_items(
                subscription_id, params, headers=_headers(idempotency_key)
            ),
        )
        return _subscription(response)

    async def keep_subscription(self, subscription_id: str, *, idempotency_key: str) -> Subscription:
        """The subscription, without the end that was planned for the end of its term."""
        _check_id(subscription_id)
        response = await self._call(
            "keep_subscription",
            lambda: self._site.Subscription.remove_scheduled_cancellation(
                subscription_id, {}, headers=_headers(idempotency_key)
            ),
        )
        return _subscription(response)

    async def keep_running(self, subscription_id: str, *, idempotency_key: str) -> Subscription:
        """The subscription, without the pause that was planned for the end of its term."""
        _check_id(subscription_id)
        response = await self._call(
            "keep_running",
            lambda: self._site.Subscription.remove_scheduled_pause(subscription_id, headers=_headers(idempotency_key)),
        )
        return _subscription(response)

    async def keep_plan(self, subscription_id: str, *, idempotency_key: str) -> Subscription:
        """The subscription, without the change of its items that was planned for the end of its term."""
        _check_id(subscription_id)
        response = await self._call(
            "keep_plan",
            lambda: self._site.Subscription.remove_scheduled_changes(
                subscription_id, headers=_headers(idempotency_key)
            ),
        )
        return _subscription(response)

    # Money

    async def get_invoice(self, invoice_id: str) -> Invoice:
        """The invoice; raises NotFound."""
        _check_id(invoice_id)
        response = await self._call("get_invoice", lambda: self._site.Invoice.retrieve(invoice_id))
        return Invoice.parse(response.invoice.raw_data)

    async def collect_payment(self, invoice_id: str, *, idempotency_key: str) -> Invoice:
        """The invoice after charging what is due on the customer's card; raises PaymentDeclined."""
        _check_id(invoice_id)
        response = await self._call(
            "collect_payment",
            lambda: self._site.Invoice.collect_payment(invoice_id, {}, headers=_headers(idempotency_key)),
        )
        return Invoice.parse(response.invoice.raw_data)

    async def stop_dunning(self, invoice_id: str, *, idempotency_key: str) -> Invoice:
        """The invoice, ``not_paid``: nobody collects it by itself any more. Raises PermanentError for a paid one."""
        _check_id(invoice_id)
        response = await self._call(
            "stop_dunning",
            lambda: self._site.Invoice.stop_dunning(invoice_id, {}, headers=_headers(idempotency_key)),
        )
        return Invoice.parse(response.invoice.raw_data)

    async def get_transaction(self, transaction_id: str) -> Transaction:
        """The payment or refund; raises NotFound."""
        _check_id(transaction_id)
        response = await self._call("get_transaction", lambda: self._site.Transaction.retrieve(transaction_id))
        return Transaction.parse(response.transaction.raw_data)

    async def get_credit_note(self, credit_note_id: str) -> CreditNote:
        """The credit note; raises NotFound."""
        _check_id(credit_note_id)
        response = await self._call("get_credit_note", lambda: self._site.CreditNote.retrieve(credit_note_id))
        return CreditNote.parse(response.credit_note.raw_data)

    async def get_payment_source(self, payment_source_id: str) -> PaymentSource:
        """The payment source; raises NotFound."""
        _check_id(payment_source_id)
        response = await self._call("get_payment_source", lambda: self._site.PaymentSource.retrieve(payment_source_id))
        return PaymentSource.parse(response.payment_source.raw_data)

    async def add_promotional_credit(
        self,
        customer_id: str,
        *,
        amount: int,
        currency_code: str,
        description: str,
        idempotency_key: str,
    ) -> PromotionalCredit:
        """The credit, given once for this idempotency key: the key is its ``reference``, looked for before giving."""
        _check_id(customer_id)
        reference = _key(idempotency_key)
        existing = await self._find_credit(customer_id, reference)
        if existing is not None:
            return existing
        response = await self._call(
            "add_promotional_credit",
            lambda: self._site.PromotionalCredit.add(
                {
                    "customer_id": customer_id,
                    "amount": amount,
                    "currency_code": currency_code,
                    "description": description,
                    "reference": reference,
                },
                headers=_headers(idempotency_key),
            ),
        )
        return PromotionalCredit.parse(response.promotional_credit.raw_data, replayed=response.is_idempotency_replayed)

    async def _find_credit(self, customer_id: str, reference: str) -> PromotionalCredit | None:
        offset: str | None = None
        while True:
            page = await self._list(
                "promotional_credits", "promotional_credit", {"customer_id[is]": customer_id}, offset, PAGE_SIZE
            )
            for raw in page.objects:
                if raw.get("reference") == reference:
                    return PromotionalCredit.parse(raw, replayed=True)
            if page.next_offset is None:
                return None
            offset = page.next_offset

    # Listings, for the mirror

    async def list_page(
        self,
        resource: Resource,
        *,
        updated_after: datetime | None = None,
        offset: str | None = None,
        limit: int = PAGE_SIZE,
        include_deleted: bool = True,
        ids: Sequence[str] = (),
    ) -> Page:
        """Part of a listing, oldest change first; go on with ``page.next_offset`` until it is None.

        With ``ids``, only of those, at most as many as a page has.

        Objects changed in the very second of ``updated_after`` are left out by Chargebee: step back one to have them.
        Events go by ``occurred_at`` instead and are never deleted.
        """
        return await self._list(
            resource.value,
            resource.object_name,
            changes(resource, updated_after=updated_after, include_deleted=include_deleted, ids=ids),
            offset,
            limit,
        )

    async def list_invoices(
        self, *, updated_after: datetime | None = None, offset: str | None = None
    ) -> InvoicePage | Page:
        """`list_page` of invoices, typed; a Page when something in it has another form than it should."""
        resource = Resource.INVOICES
        query = changes(resource, updated_after=updated_after, include_deleted=True)
        params = part_of(query, offset, PAGE_SIZE)

        async def send() -> InvoicePage | Page:
            found = await self._get(resource.value, params)
            return found if isinstance(found, InvoicePage) else page_of(found, resource.object_name)

        return await self._call(f"list_{resource.value}", send, read=_read_invoices)

    async def _list(
        self, resource: str, object_name: str, query: Mapping[str, Any], offset: str | None, limit: int
    ) -> Page:
        params = part_of(query, offset, limit)

        async def send() -> Page:
            return page_of(await self._get(resource, params), object_name)

        return await self._call(f"list_{resource}", send)

    async def _get(self, resource: str, params: Mapping[str, Any]) -> Any:
        # One step below the SDK's model classes: building them costs more than fetching the page.
        data, _, _ = await http_request.request(
            "get", f"/{resource}", self._site.env, params=params, use_async_client=True
        )
        return data

    async def _call(
        self, operation: str, send: Callable[[], Awaitable[Response]], *, read: Callable[[bytes], Any] = orjson.loads
    ) -> Response:
        async def attempt() -> Response:
            with use_pool(self._pool, read):
                try:
                    return await send()
                except APIError as error:
                    raise error_of(error, operation) from error
                except UnreadableAnswer as error:
                    raise error_for_status(
                        max(error.status, 500) if error.status < 400 else error.status,
                        service=SERVICE,
                        operation=operation,
                        code="unexpected_answer",
                        retry_after=retry_after(error.headers),
                    ) from error
                except httpx.HTTPError as error:
                    raise translate(error, service=SERVICE, operation=operation) from error

        return await self.guard.call(operation, attempt)


def _read_invoices(content: bytes) -> Any:
    return read_page(content) or orjson.loads(content)


def _subscription(response: Any) -> Subscription:
    return Subscription.parse(response.subscription.raw_data, replayed=response.is_idempotency_replayed)


def _headers(idempotency_key: str) -> dict[str, str]:
    return {IDEMPOTENCY_HEADER: _key(idempotency_key)}


def _headers_for(idempotency_key: str, params: Mapping[str, Any]) -> dict[str, str]:
    """For calls that bring what is now, under an id that was chosen: done twice, they do no harm.

    What is now may have changed between an attempt that was cut off and the next, and Chargebee refuses a key that
    comes with other parameters than before. So the key is of the parameters, too.
    """
    digest = hashlib.sha256(orjson.dumps(params, option=orjson.OPT_SORT_KEYS)).hexdigest()
    return _headers(f"{idempotency_key}:{digest[:16]}")


def _key(idempotency_key: str) -> str:
    if len(idempotency_key) <= IDEMPOTENCY_KEY_LENGTH:
        return idempotency_key
    return hashlib.sha256(idempotency_key.encode()).hexdigest()


def _present(params: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in params.items() if value is not None}


def _check_id(value: str) -> None:
    if not _ID.fullmatch(value):
        raise PermanentError(service=SERVICE, operation="check_id", code="invalid_id", param="id")
