"""Customers."""

from __future__ import annotations

from typing import Any

from local.chargebee.form import Params, set_custom_fields
from local.chargebee.listing import list_documents
from local.chargebee.replies import duplicate, json_reply, wrong_state
from local.chargebee.site import Site
from local.standin.service import Call, Refusal, Reply, Routes

_FIELDS = ("first_name", "last_name", "email", "phone", "company", "locale", "preferred_currency_code")
_PERSONAL = ("first_name", "last_name", "email", "phone", "company", "billing_address")


class Customers:
    """The site's customers."""

    def __init__(self, site: Site, routes: Routes) -> None:
        self._site = site
        routes.add("POST", "/api/v2/customers", self.create)
        routes.add("GET", "/api/v2/customers", self.listing)
        routes.add("GET", "/api/v2/customers/{id}", self.retrieve)
        routes.add("POST", "/api/v2/customers/{id}", self.update)
        routes.add("POST", "/api/v2/customers/{id}/delete", self.delete)
        routes.add("POST", "/api/v2/customers/{id}/clear_personal_data", self.clear_personal_data)

    def create(self, call: Call) -> Reply:
        """``POST /customers``."""
        params = Params(call.body.decode())
        customer_id = params.text("id") or self._site.new_id()
        if self._site.store.find("customer", customer_id) is not None:
            raise Refusal(duplicate("id", customer_id))
        customer: dict[str, Any] = {
            "id": customer_id,
            "auto_collection": params.choice("auto_collection", ("on", "off"), "on"),
            "net_term_days": 0,
            "allow_direct_debit": False,
            "created_at": self._site.now(),
            "taxability": "taxable",
            "pii_cleared": "active",
            "channel": "web",
            "card_status": "valid",
            "promotional_credits": 0,
            "refundable_credits": 0,
            "excess_payments": 0,
            "unbilled_charges": 0,
            "preferred_currency_code": "USD",
        }
        self._fill(customer, params)
        self._site.save("customer", customer)
        self._site.tell("customer_created", customer=customer)
        return json_reply({"customer": customer})

    def listing(self, call: Call) -> Reply:
        """``GET /customers``."""
        return list_documents(self._site.store, call, "customer")

    def retrieve(self, call: Call) -> Reply:
        """``GET /customers/{id}``."""
        return json_reply({"customer": self._site.need("customer", call.params["id"])})

    def update(self, call: Call) -> Reply:
        """``POST /customers/{id}``."""
        customer = self._site.need("customer", call.params["id"])
        params = Params(call.body.decode())
        self._fill(customer, params)
        if "auto_collection" in params:
            customer["auto_collection"] = params.choice("auto_collection", ("on", "off"), "on")
        self._site.save("customer", customer)
        self._site.tell("customer_changed", customer=customer)
        return json_reply({"customer": customer})

    def delete(self, call: Call) -> Reply:
        """``POST /customers/{id}/delete``: stays as ``deleted`` in listings that ask for deleted ones."""
        customer = self._site.need("customer", call.params["id"])
        for subscription in self._site.store.find_by("subscription", "customer_id", customer["id"]):
            if subscription["status"] not in ("cancelled", "transferred"):
                raise Refusal(wrong_state(f"The customer has the active subscription {subscription['id']}"))
        customer["deleted"] = True
        self._site.save("customer", customer)
        self._site.tell("customer_deleted", customer=customer)
        return json_reply({"customer": customer})

    def clear_personal_data(self, call: Call) -> Reply:
        """``POST /customers/{id}/clear_personal_data``: also out of invoices' and events' addresses and names."""
        customer = self._site.need("customer", call.params["id"])
        for field in _PERSONAL:
            customer.pop(field, None)
        customer["pii_cleared"] = "cleared"
        self._site.save("customer", customer)
        for invoice in self._site.store.find_by("invoice", "customer_id", customer["id"]):
            if invoice.pop("billing_address", None) or invoice.pop("shipping_address", None):
                self._site.save("invoice", invoice)
        # Chargebee keeps the events but not the person in them; here they go.
        self._site.store.execute(
            "DELETE FROM document WHERE kind = 'event' AND json_extract(body, '$.content.customer.id') = ?",
            (customer["id"],),
        )
        self._site.store.execute("DELETE FROM answer WHERE instr(body, ?) > 0", (f'"id":"{customer["id"]}"',))
        # What was told, or is about to be, stays without the person.
        self._site.store.execute(
            f"UPDATE webhook SET body = json_remove(body, {', '.join('?' * len(_PERSONAL))})"  # noqa: S608 -- binds
            " WHERE json_extract(body, '$.content.customer.id') = ?",
            (*(f"$.content.customer.{field}" for field in _PERSONAL), customer["id"]),
        )
        return json_reply({"customer": customer})

    def _fill(self, customer: dict[str, Any], params: Params) -> None:
        for field in _FIELDS:
            if field in params:
                value = params.text(field)
                if value is None:
                    customer.pop(field, None)
                else:
                    customer[field] = value
        address = params.nested("billing_address")
        if address:
            customer["billing_address"] = {**address, "object": "billing_address"}
        set_custom_fields(customer, params.custom_fields())
