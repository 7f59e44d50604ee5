"""Money: invoices of a subscription, their collection, refunds and credit notes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from local.chargebee.cards import Cards
from local.chargebee.credits import Credits
from local.chargebee.site import Site


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """A line of an invoice."""

    item_price_id: str
    item_type: str
    description: str
    quantity: int
    unit_amount: int
    amount: int
    date_from: int
    date_to: int


class Billing:
    """Charges customers of one site."""

    def __init__(self, site: Site, cards: Cards, balances: Credits) -> None:
        self._site = site
        self._cards = cards
        self._balances = balances

    def charge(
        self, subscription: dict[str, Any], lines: Sequence[Line], *, at: int, first: bool
    ) -> dict[str, Any] | None:
        """An invoice for the lines, less credits, collected at once if the subscription collects by itself."""
        sub_total = sum(line.amount for line in lines)
        if sub_total <= 0:
            return None
        customer_id = subscription["customer_id"]
        discount = self._balances.use(customer_id, sub_total)
        base, rate = self._site.base_currency(subscription["currency_code"])
        invoice: dict[str, Any] = {
            "id": str(self._site.store.next("invoice")),
            "customer_id": customer_id,
            "subscription_id": subscription["id"],
            "recurring": True,
            "status": "payment_due",
            "price_type": "tax_exclusive",
            "date": at,
            "due_date": at,
            "net_term_days": 0,
            "exchange_rate": rate,
            "currency_code": subscription["currency_code"],
            "base_currency_code": base,
            "sub_total": sub_total,
            "tax": 0,
            "total": sub_total - discount,
            "amount_paid": 0,
            "amount_adjusted": 0,
            "write_off_amount": 0,
            "credits_applied": 0,
            "round_off_amount": 0,
            "first_invoice": first,
            "new_sales_amount": sub_total - discount if first else 0,
            "has_advance_charges": False,
            "is_gifted": False,
            "term_finalized": True,
            "generated_at": at,
            "channel": "web",
            "line_items": [self._line_item(line, subscription) for line in lines],
            "discounts": [_credit_discount(discount)] if discount else [],
            "linked_payments": [],
            "applied_credits": [],
            "adjustment_credit_notes": [],
            "issued_credit_notes": [],
            "linked_orders": [],
            "dunning_attempts": [],
        }
        self._apply_refundable_credits(invoice)
        self._settle(invoice)
        self._site.save("invoice", invoice)
        self.tell("invoice_generated", subscription, invoice=invoice)
        if invoice["amount_due"] and subscription.get("auto_collection", "on") == "on":
            self.collect(invoice)
        return invoice

    def collect(self, invoice: dict[str, Any], amount: int | None = None) -> dict[str, Any]:
        """Charge the customer's card with what is due; returns the transaction, ``success`` or ``failure``."""
        wanted = min(amount or invoice["amount_due"], invoice["amount_due"])
        transaction = self._cards.charge(invoice["customer_id"], invoice, wanted)
        if transaction["status"] == "success":
            self.record_payment(invoice, transaction)
        else:
            invoice["status"] = "payment_due"
            invoice["dunning_status"] = "in_progress"
            invoice["dunning_attempts"].append(
                {
                    "attempt": len(invoice["dunning_attempts"]),
                    "transaction_id": transaction["id"],
                    "dunning_type": "auto_collect",
                    "created_at": transaction["date"],
                    "txn_status": "failure",
                    "txn_amount": wanted,
                }
            )
            invoice["linked_payments"].append(_linked_payment(transaction, applied=0))
            self._site.save("invoice", invoice)
        happened = "payment_succeeded" if transaction["status"] == "success" else "payment_failed"
        subscription = self._note_dues(invoice)
        self.tell(happened, subscription, invoice=invoice, transaction=transaction)
        return transaction

    def record_payment(self, invoice: dict[str, Any], transaction: dict[str, Any]) -> None:
        """Count a successful payment."""
        invoice["amount_paid"] += transaction["amount"]
        invoice["linked_payments"].append(_linked_payment(transaction, applied=transaction["amount"]))
        self._settle(invoice)
        if invoice.get("dunning_status") and not invoice["amount_due"]:
            invoice["dunning_status"] = "success"
        self._site.save("invoice", invoice)

    def refund(self, invoice: dict[str, Any], amount: int) -> tuple[dict[str, Any], dict[str, Any]]:
        """Give money back from the invoice's last payment; returns credit note and transaction."""
        payment_id = next(
            one["txn_id"] for one in reversed(invoice["linked_payments"]) if one["txn_status"] == "success"
        )
        note = self._new_credit_note(invoice, amount, status="refunded", reason="product_unsatisfactory")
        note["amount_refunded"] = amount
        note["refunded_at"] = self._site.now()
        self._site.save("credit_note", note)
        transaction = self._cards.give_back(self._site.need("transaction", payment_id), note, amount)
        invoice["issued_credit_notes"].append(_note_link(note))
        self._site.save("invoice", invoice)
        self.tell(
            "payment_refunded",
            self._site.find("subscription", invoice.get("subscription_id") or ""),
            invoice=invoice,
            transaction=transaction,
            credit_note=note,
        )
        return note, transaction

    def settle(self, invoice: dict[str, Any]) -> None:
        """Work out what is due and the status again, and keep the invoice."""
        self._settle(invoice)
        self._site.save("invoice", invoice)
        self._note_dues(invoice)

    def _settle(self, invoice: dict[str, Any]) -> None:
        due = (
            invoice["total"]
            - invoice["amount_paid"]
            - invoice["amount_adjusted"]
            - invoice["credits_applied"]
            - invoice["write_off_amount"]
        )
        invoice["amount_due"] = invoice["amount_to_collect"] = max(due, 0)
        if invoice["status"] != "voided" and invoice["amount_due"] == 0:
            invoice["status"] = "paid"
            invoice["paid_at"] = self._site.now()

    def _note_dues(self, invoice: Mapping[str, Any]) -> dict[str, Any] | None:
        subscription = self._site.find("subscription", invoice.get("subscription_id") or "")
        if subscription is None:
            return None
        due = [
            one
            for one in self._site.store.find_by("invoice", "subscription_id", subscription["id"])
            if one["status"] in ("payment_due", "not_paid")
        ]
        subscription["due_invoices_count"] = len(due)
        if due:
            subscription["due_since"] = min(one["date"] for one in due)
            subscription["total_dues"] = sum(one["amount_due"] for one in due)
        else:
            subscription.pop("due_since", None)
            subscription.pop("total_dues", None)
        return self._site.save("subscription", subscription)

    def credit(self, subscription: Mapping[str, Any], amount: int, at: int) -> dict[str, Any] | None:
        """A credit note for the unused part of what was paid, used up by the customer's next invoices."""
        invoices = self._site.store.find_by("invoice", "subscription_id", subscription["id"])
        paid = [one for one in invoices if one["status"] == "paid"]
        if amount <= 0 or not paid:
            return None
        note = self._new_credit_note(paid[-1], amount, status="refund_due", reason="subscription_change")
        note["date"] = at
        self._site.save("credit_note", note)
        paid[-1]["issued_credit_notes"].append(_note_link(note))
        self._site.save("invoice", paid[-1])
        customer = self._site.need("customer", subscription["customer_id"])
        customer["refundable_credits"] = customer.get("refundable_credits", 0) + amount
        self._site.save("customer", customer)
        self._site.tell("credit_note_created", credit_note=note)
        return note

    def _apply_refundable_credits(self, invoice: dict[str, Any]) -> None:
        customer = self._site.need("customer", invoice["customer_id"])
        wanted = invoice["total"]
        for note in self._site.store.find_by("credit_note", "customer_id", customer["id"]):
            used = min(note.get("amount_available", 0), wanted)
            if note["status"] != "refund_due" or used <= 0:
                continue
            note["amount_available"] -= used
            note["amount_allocated"] += used
            note["allocations"].append(
                {
                    "invoice_id": invoice["id"],
                    "allocated_amount": used,
                    "allocated_at": invoice["date"],
                    "invoice_date": invoice["date"],
                    "invoice_status": invoice["status"],
                }
            )
            if note["amount_available"] == 0:
                # Chargebee's word for what is used up, whether it was given back or paid for another invoice.
                note["status"] = "refunded"
                note["refunded_at"] = self._site.now()
                self._link_again(note)
            self._site.save("credit_note", note)
            invoice["applied_credits"].append(
                {
                    "cn_id": note["id"],
                    "applied_amount": used,
                    "applied_at": invoice["date"],
                    "cn_date": note["date"],
                    "cn_status": note["status"],
                    "cn_reason_code": note["create_reason_code"],
                }
            )
            invoice["credits_applied"] += used
            customer["refundable_credits"] -= used
            wanted -= used
        if invoice["credits_applied"]:
            self._site.save("customer", customer)

    def _link_again(self, note: Mapping[str, Any]) -> None:
        """Say in its invoice what has become of a credit note."""
        invoice = self._site.find("invoice", note["reference_invoice_id"])
        if invoice is None:
            return
        links = invoice["issued_credit_notes"]
        invoice["issued_credit_notes"] = [_note_link(note) if one["cn_id"] == note["id"] else one for one in links]
        self._site.save("invoice", invoice)

    def _new_credit_note(self, invoice: Mapping[str, Any], amount: int, *, status: str, reason: str) -> dict[str, Any]:
        return {
            "id": f"CN-{self._site.store.next('credit_note')}",
            "customer_id": invoice["customer_id"],
            "subscription_id": invoice.get("subscription_id"),
            "reference_invoice_id": invoice["id"],
            "type": "refundable",
            "reason_code": reason,
            "create_reason_code": reason,
            "status": status,
            "date": self._site.now(),
            "price_type": "tax_exclusive",
            "currency_code": invoice["currency_code"],
            "sub_total": amount,
            "total": amount,
            "amount_allocated": 0,
            "amount_refunded": 0,
            "amount_available": amount if status == "refund_due" else 0,
            "round_off_amount": 0,
            "channel": "web",
            "generated_at": self._site.now(),
            "allocations": [],
            "linked_refunds": [],
            "line_items": [],
        }

    def _line_item(self, line: Line, subscription: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "id": self._site.new_id("li_"),
            "subscription_id": subscription["id"],
            "customer_id": subscription["customer_id"],
            "date_from": line.date_from,
            "date_to": line.date_to,
            "unit_amount": line.unit_amount,
            "quantity": line.quantity,
            "amount": line.amount,
            "pricing_model": "flat_fee" if line.quantity == 1 else "per_unit",
            "is_taxed": False,
            "tax_amount": 0,
            "discount_amount": 0,
            "item_level_discount_amount": 0,
            "description": line.description,
            "entity_type": f"{line.item_type}_item_price",
            "entity_id": line.item_price_id,
            "object": "line_item",
        }

    def tell(self, event_type: str, subscription: Mapping[str, Any] | None, **more: Mapping[str, Any] | None) -> None:
        """Tell of something that happened to a subscription or an invoice, with its customer."""
        about = subscription or more.get("invoice") or {}
        customer = self._site.find("customer", str(about.get("customer_id")))
        self._site.tell(event_type, subscription=subscription, customer=customer, **more)


def _credit_discount(amount: int) -> dict[str, Any]:
    return {
        "object": "discount",
        "entity_type": "promotional_credits",
        "description": "Promotional Credits",
        "amount": amount,
    }


def _linked_payment(transaction: Mapping[str, Any], *, applied: int) -> dict[str, Any]:
    return {
        "txn_id": transaction["id"],
        "applied_amount": applied,
        "applied_at": transaction["date"],
        "txn_status": transaction["status"],
        "txn_date": transaction["date"],
        "txn_amount": transaction["amount"],
    }


def _note_link(note: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "cn_id": note["id"],
        "cn_reason_code": note["create_reason_code"],
        "cn_date": note["date"],
        "cn_total": note["total"],
        "cn_status": note["status"],
    }
