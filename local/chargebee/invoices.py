"""Invoices, and the transactions and credit notes that come of them."""

from __future__ import annotations

from typing import Any

from local.chargebee.billing import Billing
from local.chargebee.form import Params
from local.chargebee.listing import list_documents
from local.chargebee.replies import declined, json_reply, wrong_state, wrong_value
from local.chargebee.site import Site
from local.standin.service import Call, Handler, Refusal, Reply, Routes

_OPEN = ("payment_due", "not_paid", "posted")


class Invoices:
    """The site's invoices."""

    def __init__(self, site: Site, billing: Billing, routes: Routes) -> None:
        self._site = site
        self._billing = billing
        for method, path, handler in (
            ("GET", "/invoices", self._listing("invoice")),
            ("GET", "/customers/{id}/invoices", self._listing("invoice", "customer_id")),
            ("GET", "/subscriptions/{id}/invoices", self._listing("invoice", "subscription_id")),
            ("GET", "/invoices/{id}", self._retrieval("invoice")),
            ("POST", "/invoices/{id}/collect_payment", self.collect_payment),
            ("POST", "/invoices/{id}/record_payment", self.record_payment),
            ("POST", "/invoices/{id}/refund", self.refund),
            ("POST", "/invoices/{id}/void", self.void),
            ("POST", "/invoices/{id}/write_off", self.write_off),
            ("POST", "/invoices/{id}/stop_dunning", self.stop_dunning),
            ("GET", "/invoices/{id}/payments", self.payments),
            ("GET", "/transactions", self._listing("transaction")),
            ("GET", "/customers/{id}/transactions", self._listing("transaction", "customer_id")),
            ("GET", "/transactions/{id}", self._retrieval("transaction")),
            ("GET", "/credit_notes", self._listing("credit_note")),
            ("GET", "/customers/{id}/credit_notes", self._listing("credit_note", "customer_id")),
            ("GET", "/credit_notes/{id}", self._retrieval("credit_note")),
        ):
            routes.add(method, f"/api/v2{path}", handler)

    def collect_payment(self, call: Call) -> Reply:
        """``POST /invoices/{id}/collect_payment``. A declined card is kept as a failed transaction all the same."""
        invoice = self._open_invoice(call)
        amount = Params(call.body.decode()).number("amount")
        transaction = self._billing.collect(invoice, amount)
        if transaction["status"] == "success":
            return json_reply({"invoice": invoice, "transaction": transaction})
        shown = f"{invoice['currency_code']} {transaction['amount']}"
        # Returned, not raised: what happened is kept.
        return declined(transaction["error_code"], transaction["error_text"], amount=shown)

    def record_payment(self, call: Call) -> Reply:
        """``POST /invoices/{id}/record_payment``: paid some other way."""
        invoice = self._open_invoice(call)
        params = Params(call.body.decode())
        given = params.nested("transaction")
        amount = min(int(given.get("amount") or invoice["amount_due"]), invoice["amount_due"])
        transaction = self._site.save(
            "transaction",
            {
                "id": self._site.new_id("txn_"),
                "customer_id": invoice["customer_id"],
                "subscription_id": invoice.get("subscription_id"),
                "payment_method": given.get("payment_method", "other"),
                "reference_number": given.get("reference_number"),
                "gateway": "not_applicable",
                "type": "payment",
                "date": int(given.get("date") or self._site.now()),
                "amount": amount,
                "amount_unused": 0,
                "currency_code": invoice["currency_code"],
                "exchange_rate": 1.0,
                "status": "success",
                "linked_invoices": [
                    {
                        "invoice_id": invoice["id"],
                        "applied_amount": amount,
                        "applied_at": self._site.now(),
                        "invoice_date": invoice["date"],
                        "invoice_total": invoice["total"],
                        "invoice_status": invoice["status"],
                    }
                ],
            },
        )
        self._billing.record_payment(invoice, transaction)
        self._tell("payment_succeeded", invoice, transaction=transaction)
        return json_reply({"invoice": invoice, "transaction": transaction})

    def refund(self, call: Call) -> Reply:
        """``POST /invoices/{id}/refund``."""
        invoice = self._site.need("invoice", call.params["id"])
        refunded = sum(one["cn_total"] for one in invoice["issued_credit_notes"])
        left = invoice["amount_paid"] - refunded
        amount = Params(call.body.decode()).number("refund_amount") or left
        if left <= 0:
            raise Refusal(wrong_state("Nothing of the invoice is left to be refunded"))
        if not 0 < amount <= left:
            raise Refusal(wrong_value("refund_amount", f"should be between 1 and {left}"))
        note, transaction = self._billing.refund(invoice, amount)
        return json_reply({"invoice": invoice, "transaction": transaction, "credit_note": note})

    def void(self, call: Call) -> Reply:
        """``POST /invoices/{id}/void``."""
        invoice = self._open_invoice(call)
        invoice["status"] = "voided"
        invoice["voided_at"] = self._site.now()
        invoice["amount_due"] = 0
        self._billing.settle(invoice)
        self._tell("invoice_updated", invoice)
        return json_reply({"invoice": invoice})

    def write_off(self, call: Call) -> Reply:
        """``POST /invoices/{id}/write_off``."""
        invoice = self._open_invoice(call)
        invoice["write_off_amount"] += invoice["amount_due"]
        self._billing.settle(invoice)
        self._tell("invoice_updated", invoice)
        return json_reply({"invoice": invoice})

    def stop_dunning(self, call: Call) -> Reply:
        """``POST /invoices/{id}/stop_dunning``: given up, ``not_paid``."""
        invoice = self._open_invoice(call)
        invoice["status"] = "not_paid"
        invoice["dunning_status"] = "stopped"
        self._billing.settle(invoice)
        self._tell("invoice_updated", invoice)
        return json_reply({"invoice": invoice})

    def payments(self, call: Call) -> Reply:
        """``GET /invoices/{id}/payments``."""
        invoice = self._site.need("invoice", call.params["id"])
        found = [self._site.store.find("transaction", one["txn_id"]) for one in invoice["linked_payments"]]
        return json_reply({"list": [{"transaction": one} for one in found if one is not None]})

    def _listing(self, kind: str, scope: str | None = None) -> Handler:
        def handle(call: Call) -> Reply:
            return list_documents(
                self._site.store, call, kind, scope=(scope, call.params["id"]) if scope is not None else None
            )

        return handle

    def _retrieval(self, kind: str) -> Handler:
        return lambda call: json_reply({kind: self._site.need(kind, call.params["id"])})

    def _open_invoice(self, call: Call) -> dict[str, Any]:
        invoice = self._site.need("invoice", call.params["id"])
        if invoice["status"] not in _OPEN:
            raise Refusal(wrong_state(f"The invoice is {invoice['status']}"))
        return invoice

    def _tell(self, event_type: str, invoice: dict[str, Any], **more: dict[str, Any]) -> None:
        self._site.tell(
            event_type,
            invoice=invoice,
            customer=self._site.find("customer", invoice["customer_id"]),
            subscription=self._site.find("subscription", invoice.get("subscription_id") or ""),
            **more,
        )
