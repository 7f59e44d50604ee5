"""The card gateway: every customer has a valid card, and it is declined when an operator or a test says so."""

from __future__ import annotations

from typing import Any

from local.chargebee.site import Site

#: There is nothing to charge; Chargebee's own code, not a gateway's.
NO_CARD = "payment_method_not_present"
#: Reasons that gateways give, with what Chargebee shows for them.
DECLINES = {
    "card_declined": "Your card was declined.",
    "insufficient_funds": "Your card has insufficient funds.",
    "expired_card": "Your card has expired.",
    "incorrect_cvc": "Your card's security code is incorrect.",
    "processing_error": "An error occurred while processing your card. Try again in a little bit.",
    "lost_card": "Your card was declined.",
    "stolen_card": "Your card was declined.",
    NO_CARD: "There is no payment method on file.",
}

_SETTING = "declined_cards"
_FIRST_CARD = "pm_"
EVERYBODY = "*"


class Cards:
    """Charges cards and gives money back."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def decline(self, customer_id: str, code: str | None) -> None:
        """Decline that customer's card (``*``: all) from now on; None: accept it again. ValueError: unknown reason.

        What is said of all counts for those of whom something else was said before, too.
        """
        if code is not None and code not in DECLINES:
            raise ValueError(f"{code!r} is no reason to decline; there are {', '.join(DECLINES)}")
        declined = {} if customer_id == EVERYBODY else self.declined()
        declined.pop(customer_id, None)
        if code is not None:
            declined[customer_id] = code
        self._site.store.set(_SETTING, declined or None)

    def replace(self, customer_id: str) -> dict[str, Any]:
        """Give the customer another card, which is accepted; returns the new payment source. KeyError: no customer."""
        customer = self._site.find("customer", customer_id)
        if customer is None:
            raise KeyError(customer_id)
        self.decline(customer_id, None)
        source = self._new_source(customer_id, self._site.new_id("pm_"))
        customer["primary_payment_source_id"] = source["id"]
        customer["card_status"] = "valid"
        self._site.save("customer", customer)
        self._site.tell("payment_source_added", customer=customer, payment_source=source)
        return source

    def source(self, payment_source_id: str) -> dict[str, Any]:
        """A payment source, or a refusal. The first card of a customer is made when somebody asks for it."""
        if self._site.find("payment_source", payment_source_id) is None:
            for customer in self._site.store.find_by("customer", "primary_payment_source_id", payment_source_id):
                return self._new_source(customer["id"], payment_source_id, at=customer["created_at"])
            customer_id = payment_source_id.removeprefix(_FIRST_CARD)
            first = self._site.find("customer", customer_id) if customer_id != payment_source_id else None
            if first is not None:
                return self._new_source(customer_id, payment_source_id, at=first["created_at"])
        return self._site.need("payment_source", payment_source_id)

    def source_id(self, customer_id: str) -> str:
        """The payment source that a customer is charged by."""
        customer = self._site.find("customer", customer_id) or {}
        found: str = customer.get("primary_payment_source_id") or f"{_FIRST_CARD}{customer_id}"
        return found

    def _new_source(self, customer_id: str, source_id: str, *, at: int | None = None) -> dict[str, Any]:
        source = {
            "id": source_id,
            "customer_id": customer_id,
            "type": "card",
            "reference_id": f"tok_{source_id}",
            "status": "valid",
            "gateway": "chargebee",
            "gateway_account_id": "gw_standin",
            "created_at": self._site.now() if at is None else at,
            "card": {"masked_number": "************4242", "brand": "visa", "object": "card"},
        }
        self._site.save("payment_source", source)
        if at is not None:
            # It is as old as its customer, whenever it is looked at first.
            source["updated_at"] = at
            self._site.store.put("payment_source", source_id, source, created_at=at, updated_at=at)
        return source

    def declined(self) -> dict[str, str]:
        """Customer to reason."""
        found: dict[str, str] = self._site.store.setting(_SETTING, {})
        return found

    def charge(self, customer_id: str, invoice: dict[str, Any], amount: int) -> dict[str, Any]:
        """A ``payment`` transaction, ``success`` or ``failure`` with ``error_code``, linked to the invoice."""
        declined = self.declined()
        code = declined.get(customer_id, declined.get(EVERYBODY))
        transaction: dict[str, Any] = {
            "id": self._site.new_id("txn_"),
            "customer_id": customer_id,
            "subscription_id": invoice.get("subscription_id"),
            "payment_method": "card",
            "gateway": "chargebee",
            "gateway_account_id": "gw_standin",
            "payment_source_id": self.source_id(customer_id),
            "masked_card_number": "************4242",
            "type": "payment",
            "date": self._site.now(),
            "amount": amount,
            "amount_unused": 0,
            "currency_code": invoice["currency_code"],
            "exchange_rate": 1.0,
            "id_at_gateway": self._site.new_id("cb_"),
            "status": "success" if code is None else "failure",
            "linked_invoices": [
                {
                    "invoice_id": invoice["id"],
                    "applied_amount": amount if code is None else 0,
                    "applied_at": self._site.now(),
                    "invoice_date": invoice["date"],
                    "invoice_total": invoice["total"],
                    "invoice_status": invoice["status"],
                }
            ],
        }
        if code is not None:
            transaction["error_code"] = code
            transaction["error_text"] = DECLINES[code]
        return self._site.save("transaction", transaction)

    def give_back(self, payment: dict[str, Any], credit_note: dict[str, Any], amount: int) -> dict[str, Any]:
        """A ``refund`` transaction of a payment."""
        refund: dict[str, Any] = {
            "id": self._site.new_id("txn_"),
            "customer_id": payment["customer_id"],
            "subscription_id": payment.get("subscription_id"),
            "payment_method": "card",
            "gateway": "chargebee",
            "gateway_account_id": "gw_standin",
            "type": "refund",
            "date": self._site.now(),
            "amount": amount,
            "currency_code": payment["currency_code"],
            "exchange_rate": 1.0,
            "id_at_gateway": self._site.new_id("cb_"),
            "status": "success",
            "refunded_txn_id": payment["id"],
            "linked_credit_notes": [
                {
                    "cn_id": credit_note["id"],
                    "applied_amount": amount,
                    "applied_at": self._site.now(),
                    "cn_total": credit_note["total"],
                    "cn_status": credit_note["status"],
                    "cn_reference_invoice_id": credit_note["reference_invoice_id"],
                }
            ],
        }
        return self._site.save("transaction", refund)
