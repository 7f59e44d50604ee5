"""Chargebee's routes, credentials and rules, put together."""

from __future__ import annotations

import base64
import binascii
import os
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from local.chargebee.billing import Billing
from local.chargebee.cards import DECLINES, EVERYBODY, Cards
from local.chargebee.catalogue import Catalogue
from local.chargebee.credits import Credits
from local.chargebee.customers import Customers
from local.chargebee.invoices import Invoices
from local.chargebee.listing import list_documents
from local.chargebee.replies import error, json_reply, of_status
from local.chargebee.seed import demo_objects, plant
from local.chargebee.site import Site
from local.chargebee.subscriptions import Subscriptions
from local.chargebee.terms import Terms
from local.standin.instruction import TEXT_OR_NULL, ControlError, Fields, Instruction, check_fields, need
from local.standin.service import Call, Idempotency, Refusal, Reply, Section, Service
from local.standin.store import Store
from local.standin.webhooks import Webhook

Objects = Mapping[str, Iterable[Mapping[str, Any]]]

_KEY_HEADER = "chargebee-idempotency-key"
_LONGEST_KEY = 100
_CARD_FIELDS: Fields = {"customer_id": str, "decline": TEXT_OR_NULL, "replace": bool}

_INDEXES = """
CREATE INDEX IF NOT EXISTS by_customer ON document (kind, json_extract(body, '$.customer_id'));
CREATE INDEX IF NOT EXISTS by_subscription ON document (kind, json_extract(body, '$.subscription_id'));
"""


class ChargebeeService(Service):
    """One Chargebee site. ``objects`` gives what it starts with: kind (``customer``, ``item_price``…) to objects."""

    name = "chargebee"
    title = "Chargebee"
    webhook_example: Mapping[str, Any] = {"event_type": "invoice_updated", "content": {"invoice_id": "…"}}

    def __init__(
        self, store: Store, *, api_key: str | None = None, objects: Callable[[], Objects] | None = None
    ) -> None:
        super().__init__(store)
        store.prepare(_INDEXES)
        self._api_key = api_key
        self._objects = objects
        self.idempotency = Idempotency(
            header=_KEY_HEADER,
            # https://apidocs.chargebee.com/docs/api/idempotency
            keep=timedelta(minutes=30),
            applies=_takes_key,
            replay_headers={"chargebee-idempotency-replayed": "true"},
            mismatch=lambda _call: error(
                400,
                code="invalid_request",
                message="The idempotency key was used before with other parameters",
                param=_KEY_HEADER,
            ),
        )
        self.site = Site(store, self.clock, self.webhooks)
        self.cards = Cards(self.site)
        self.credits = Credits(self.site, self.routes)
        self.billing = Billing(self.site, self.cards, self.credits)
        self.terms = Terms(self.site, self.billing)
        self.catalogue = Catalogue(self.site, self.routes)
        Customers(self.site, self.routes)
        Subscriptions(self.site, self.terms, self.routes)
        Invoices(self.site, self.billing, self.routes)
        self.routes.add(
            "GET",
            "/api/v2/payment_sources/{id}",
            lambda call: json_reply({"payment_source": self.cards.source(call.params["id"])}),
        )
        self.routes.add("GET", "/api/v2/events", lambda call: list_documents(store, call, "event"))
        self.routes.add(
            "GET",
            "/api/v2/events/{id}",
            lambda call: json_reply({"event": self.site.need("event", call.params["id"])}),
        )

    def refuse_stranger(self, call: Call) -> Reply | None:
        """401 unless basic authentication has the site's key as its name; without a key of its own, any is right."""
        scheme, _, encoded = call.headers.get("authorization", "").partition(" ")
        try:
            given = base64.b64decode(encoded, validate=True).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            given = ""
        right = scheme.lower() == "basic" and bool(given)
        if right and self._api_key is not None:
            right = secrets.compare_digest(given.encode(), self._api_key.encode())
        return None if right else of_status(401)

    def error(self, status: int, *, retry_after_s: int | None = None) -> Reply:
        """An error in Chargebee's format."""
        return of_status(status, retry_after_s=retry_after_s)

    def seed(self) -> None:
        """The objects it starts with, as they are: no events, no webhooks."""
        if self._objects is not None:
            plant(self.store, self._objects())

    def time_passed(self) -> None:
        """Renewals, cancellations, resumptions that have fallen due."""
        self.terms.run_due()

    def status(self) -> Mapping[str, Any]:
        """Documents, and whose cards are declined."""
        return {**super().status(), "declined_cards": self.cards.declined()}

    def sections(self) -> Sequence[Section]:
        """Subscriptions, invoices, events."""
        return (
            Section(
                title="Subscriptions",
                columns=("Id", "Customer", "Status", "cf_contract_id", "Items", "Term ends", "Version"),
                rows=[
                    (
                        one["id"],
                        one["customer_id"],
                        one["status"],
                        one.get("cf_contract_id"),
                        ", ".join(item["item_price_id"] for item in one.get("subscription_items", ())),
                        one.get("current_term_end"),
                        one["resource_version"],
                    )
                    for one in self.store.all("subscription", limit=30)
                ],
                note="The last changed 30.",
            ),
            Section(
                title="Invoices",
                columns=("Id", "Customer", "Status", "Total", "Due", "Dunning", "Version"),
                rows=[
                    (
                        one["id"],
                        one["customer_id"],
                        one["status"],
                        f"{one['total']} {one['currency_code']}",
                        one["amount_due"],
                        one.get("dunning_status"),
                        one["resource_version"],
                    )
                    for one in self.store.all("invoice", limit=30)
                ],
                note="The last changed 30; amounts in minor units.",
            ),
            Section(
                title="Events",
                columns=("Id", "Type", "Occurred at", "About"),
                rows=[
                    (one["id"], one["event_type"], one["occurred_at"], ", ".join(one["content"]))
                    for one in self.store.all("event", limit=30)
                ],
            ),
        )

    def webhook(self, event_type: str, content: Mapping[str, Any]) -> Webhook:
        """An event of that type: ``content`` has objects by name, or their ids (``{"invoice_id": "7"}``)."""
        objects: dict[str, Any] = {}
        for name, value in content.items():
            kind = name.removesuffix("_id")
            if name == kind:
                objects[kind] = value
                continue
            found = self.store.find(kind, str(value))
            if found is None:
                raise ValueError(f"there is no {kind} {value!r}")
            objects[kind] = found
        event = self.site.event(event_type, objects)
        return Webhook(event_id=event["id"], event_type=event_type, body=event)

    def webhook_again(self, event_id: str) -> Webhook:
        """The webhook of an event once more, under its old id."""
        event = self.store.find("event", event_id)
        if event is None:
            raise ValueError(f"there is no event {event_id!r}")
        return Webhook(event_id=event_id, event_type=event["event_type"], body=event)

    def instructions(self) -> Mapping[str, Instruction]:
        """What Chargebee's test sites offer in their own way."""
        return {
            "cards": Instruction(
                about=f"Decline a customer's card (* or none: everybody's) for a reason: {', '.join(DECLINES)}; null: "
                "accept it again. replace gives the customer another card. cards takes several at once.",
                fields={**_CARD_FIELDS, "cards": list},
                example={"customer_id": EVERYBODY, "decline": "insufficient_funds"},
                carry_out=self._set_cards,
            ),
            "renew": Instruction(
                about="End a subscription's term now: it is billed for the next one.",
                fields={"subscription_id": str},
                example={"subscription_id": "AzqYdaT9kLp5Ada1"},
                carry_out=self._renew,
            ),
            "item_prices": Instruction(
                about="Add an item price to the catalogue, in minor units.",
                fields={
                    "id": str,
                    "price": int,
                    "period": int,
                    "period_unit": str,
                    "currency_code": str,
                    "item_type": str,
                },
                example={"id": "sleep-USD-monthly", "price": 9900},
                carry_out=self._add_item_price,
            ),
            "currencies": Instruction(
                about="The currency that the site counts in, with rates of others; without a field each is its own.",
                fields={"base": TEXT_OR_NULL, "rates": (dict, type(None))},
                example={"base": "USD", "rates": {"JPY": 0.0067}},
                carry_out=self._set_currencies,
            ),
        }

    def _set_currencies(self, body: Mapping[str, Any]) -> Any:
        self.store.set("base_currency", body.get("base"))
        self.store.set("exchange_rates", body.get("rates"))
        return body

    def _set_cards(self, body: Mapping[str, Any]) -> Any:
        for one in body.get("cards", [{name: value for name, value in body.items() if name != "cards"}]):
            self._set_card(check_fields("a card", one, _CARD_FIELDS))
        return {"declined_cards": self.cards.declined()}

    def _set_card(self, card: Mapping[str, Any]) -> None:
        customer_id = card.get("customer_id", EVERYBODY)
        if not card.get("replace"):
            self.cards.decline(customer_id, card.get("decline"))
            return
        try:
            self.cards.replace(customer_id)
        except KeyError:
            raise ControlError(f"there is no customer {customer_id!r}") from None

    def _renew(self, body: Mapping[str, Any]) -> Any:
        subscription_id = need(body, "subscription_id")
        subscription = self.site.find("subscription", subscription_id)
        if subscription is None or subscription["status"] != "active":
            raise ControlError(f"there is no active subscription {subscription_id!r}")
        subscription["current_term_end"] = min(subscription["current_term_end"], self.site.now())
        invoice = self.terms.renew(subscription)
        return {"subscription": subscription, "invoice": invoice}

    def _add_item_price(self, body: Mapping[str, Any]) -> Any:
        self.catalogue.add(
            need(body, "id"),
            price=need(body, "price"),
            **{name: value for name, value in body.items() if name not in {"id", "price"}},
        )
        return {"documents": self.store.counts()}


def build(store: Store) -> ChargebeeService:
    """The service with ``CHARGEBEE_API_KEY`` (any key is right without) and the demo data.

    ``CHARGEBEE_WEBHOOK_URL``, ``_USERNAME`` and ``_PASSWORD`` say where webhooks go until a control says otherwise.
    """
    service = ChargebeeService(store, api_key=os.environ.get("CHARGEBEE_API_KEY") or None, objects=demo_objects)
    service.webhooks.aim_as_set_up(service.name)
    return service


def _takes_key(call: Call) -> bool:
    if call.method != "POST":
        return False
    if len(call.headers.get(_KEY_HEADER, "")) > _LONGEST_KEY:
        raise Refusal(
            error(
                400,
                code="param_wrong_value",
                message=f"{_KEY_HEADER} : should be at most {_LONGEST_KEY} characters",
                param=_KEY_HEADER,
            )
        )
    return True
