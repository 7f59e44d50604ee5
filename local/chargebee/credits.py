"""Promotional credits: given to a customer, used up by later invoices."""

from __future__ import annotations

from typing import Any

from local.chargebee.form import Params
from local.chargebee.listing import list_documents
from local.chargebee.replies import json_reply, wrong_value
from local.chargebee.site import Site
from local.standin.service import Call, Refusal, Reply, Routes


class Credits:
    """The customers' credit balances."""

    def __init__(self, site: Site, routes: Routes) -> None:
        self._site = site
        routes.add("POST", "/api/v2/promotional_credits/add", self.add)
        routes.add("POST", "/api/v2/promotional_credits/deduct", self.deduct)
        routes.add("GET", "/api/v2/promotional_credits", self.listing)
        routes.add("GET", "/api/v2/promotional_credits/{id}", self.retrieve)

    def add(self, call: Call) -> Reply:
        """``POST /promotional_credits/add``."""
        return self._change(call, "increment", 1, "promotional_credits_added")

    def deduct(self, call: Call) -> Reply:
        """``POST /promotional_credits/deduct``."""
        return self._change(call, "decrement", -1, "promotional_credits_deducted")

    def listing(self, call: Call) -> Reply:
        """``GET /promotional_credits``."""
        return list_documents(self._site.store, call, "promotional_credit")

    def retrieve(self, call: Call) -> Reply:
        """``GET /promotional_credits/{id}``."""
        return json_reply({"promotional_credit": self._site.need("promotional_credit", call.params["id"])})

    def use(self, customer_id: str, wanted: int) -> int:
        """Take up to ``wanted`` from a customer's balance for an invoice; returns how much it was."""
        customer = self._site.need("customer", customer_id)
        used: int = min(wanted, customer.get("promotional_credits", 0))
        if used > 0:
            customer["promotional_credits"] -= used
            self._site.save("customer", customer)
        return max(used, 0)

    def _change(self, call: Call, kind: str, sign: int, event_type: str) -> Reply:
        params = Params(call.body.decode())
        customer = self._site.need("customer", params.need("customer_id"))
        amount = params.number("amount")
        if amount is None or amount < 1:
            raise Refusal(wrong_value("amount", "should be at least 1"))
        balance = customer.get("promotional_credits", 0) + sign * amount
        if balance < 0:
            raise Refusal(wrong_value("amount", "is more than the customer has"))
        customer["promotional_credits"] = balance
        self._site.save("customer", customer)
        credit: dict[str, Any] = {
            "id": self._site.new_id("pc_"),
            "customer_id": customer["id"],
            "type": kind,
            "amount": amount,
            "currency_code": params.text("currency_code") or customer.get("preferred_currency_code", "USD"),
            "description": params.need("description"),
            "credit_type": params.choice("credit_type", ("loyalty_credits", "referral_rewards", "general"), "general"),
            "reference": params.text("reference"),
            "closing_balance": balance,
            "done_by": "standin",
            "created_at": self._site.now(),
        }
        self._site.save("promotional_credit", {key: value for key, value in credit.items() if value is not None})
        self._site.tell(event_type, customer=customer, promotional_credit=credit)
        return json_reply({"customer": customer, "promotional_credit": credit})
