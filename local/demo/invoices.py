"""Invoices with their lines, the attempts to collect them, and credit notes, by what became of each."""

import datetime
from dataclasses import dataclass
from typing import Any

from local.demo.billing import Subscribed, version
from local.demo.catalogue import LAB_KIT, NURSE_COACHING
from local.demo.chance import Chance
from local.demo.dates import add_months, at, days
from local.demo.rows import Row, Rows
from local.demo.stories import Outcome
from schema.tables import chargebee

#: Days after the first attempt on which a payment is tried again.
_RETRY_DAYS = (1, 3, 5, 7)
_NET_TERM = 14

_STATUS: dict[Outcome, str] = {
    "failing": "payment_due",
    "needs_attention": "payment_due",
    "exhausted": "not_paid",
    "stopped": "not_paid",
    "reversed": "not_paid",
    "posted": "posted",
    "pending": "pending",
    "voided": "voided",
}
_DUNNING: dict[Outcome, str] = {
    "failing": "in_progress",
    "needs_attention": "in_progress",
    "recovered": "success",
    "exhausted": "exhausted",
    "stopped": "stopped",
    "reversed": "stopped",
}
_DECLINED = {
    "card_declined": "Your card was declined.",
    "insufficient_funds": "Your card has insufficient funds.",
    "expired_card": "Your card has expired.",
    "processing_error": "An error occurred while processing your card.",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class _Planned:
    """An invoice before it has a number."""

    subscribed: Subscribed
    day: datetime.date
    outcome: Outcome
    first: bool

    @property
    def date(self) -> datetime.datetime:
        return at(self.day, 9)


def add_invoices(rows: Rows, chance: Chance, subscribed: list[Subscribed]) -> None:
    """All invoices, numbered in the order of their dates, and what is still due on their subscriptions."""
    planned = [
        _Planned(
            subscribed=one,
            day=day,
            outcome=(one.customer.story.last_invoice or "paid") if day == one.invoice_days[-1] else "paid",
            first=day == one.invoice_days[0],
        )
        for one in subscribed
        for day in one.invoice_days
    ]
    for number, plan in enumerate(sorted(planned, key=lambda plan: plan.day), start=1001):
        _InvoiceMaker(rows, chance, plan, str(number)).make()
    for customer in [one.customer for one in subscribed]:
        customer.row["lifetime_value"] = _received(rows, customer.chargebee_id)


def _received(rows: Rows, customer_id: str) -> int:
    sign = {"payment": 1, "refund": -1, "payment_reversal": -1}
    return sum(
        sign.get(row["type"], 0) * row["amount"]
        for row in rows.all(chargebee.transaction)
        if row["customer_id"] == customer_id and row["status"] == "success"
    )


class _InvoiceMaker:
    """Makes the rows of one invoice."""

    def __init__(self, rows: Rows, chance: Chance, plan: _Planned, number: str) -> None:
        self._rows = rows
        self._chance = chance
        self._plan = plan
        self._number = number
        self._subscription = plan.subscribed.subscription
        self._owner = {
            "customer_id": self._subscription["customer_id"],
            "subscription_id": self._subscription["id"],
        }
        self._lines = self._choose_lines()
        self._total = sum(line["amount"] for line in self._lines)

    def make(self) -> None:
        """Add the invoice and all that belongs to it."""
        plan, total = self._plan, self._total
        settled_at = self._collect()
        adjusted = total // 2 if plan.outcome == "adjusted" else 0
        paid = settled_at is not None and plan.outcome != "reversed"
        open_amount = 0 if paid or plan.outcome == "voided" else total
        status = _STATUS.get(plan.outcome, "paid")
        voided_at = plan.date + days(1) if plan.outcome == "voided" else None
        updated_at = min(max(plan.date, settled_at or plan.date, voided_at or plan.date), self._rows.now)
        note = self._add_credit_note()
        updated_at = max(updated_at, note["date"] if note else updated_at)
        retry = plan.outcome in {"failing", "needs_attention"}
        self._rows.add(
            chargebee.invoice,
            id=self._number,
            **self._owner,
            status=status,
            first_invoice=plan.first,
            date=plan.date,
            due_date=plan.date + days(_NET_TERM if plan.outcome == "posted" else 0),
            net_term_days=_NET_TERM if plan.outcome == "posted" else 0,
            currency_code="USD",
            sub_total=total,
            total=total,
            amount_paid=total - adjusted if paid else 0,
            amount_adjusted=adjusted,
            amount_due=open_amount,
            paid_at=settled_at if paid else None,
            voided_at=voided_at,
            dunning_status=_DUNNING.get(plan.outcome),
            next_retry_at=self._rows.now + days(self._chance.integer(1, 2)) if retry else None,
            issued_credit_notes=[linked_note(note)] if note and note["type"] != "adjustment" else [],
            generated_at=plan.date,
            updated_at=updated_at,
            resource_version=version(updated_at),
        )
        for line in self._lines:
            self._rows.add(
                chargebee.invoice_line_item,
                id=f"li_{self._chance.token(16)}",
                invoice_id=self._number,
                **self._owner,
                **line,
                updated_at=updated_at,
                resource_version=version(updated_at),
            )
        if open_amount and plan.outcome != "pending":
            self._subscription["due_invoices_count"] += 1
            self._subscription["due_since"] = plan.date
            self._subscription["total_dues"] += open_amount

    def _choose_lines(self) -> list[dict[str, Any]]:
        plan, treatment = self._plan, self._plan.subscribed.customer.treatment
        upfront = plan.subscribed.customer.story.upfront and plan.first
        months = treatment.term_months if upfront else 1
        price = treatment.upfront_price if upfront else treatment.monthly_price
        period = {"date_from": plan.date, "date_to": at(add_months(plan.day, months), 9)}
        assert price is not None
        lines = [
            {
                "entity_type": "plan_item_price",
                "entity_id": treatment.upfront_item_price_id if upfront else treatment.monthly_item_price_id,
                "description": treatment.name,
                "unit_amount": price,
                "amount": price,
                **period,
            }
        ]
        if any(item["item_price_id"] == NURSE_COACHING for item in self._subscription["subscription_items"]):
            lines.append(_line("addon_item_price", NURSE_COACHING, "Nurse coaching", 2_500, period))
        if plan.first and treatment.labs:
            lines.append(_line("charge_item_price", LAB_KIT, "Laboratory kit", 4_900, {}))
        if not plan.first and self._chance.happens(0.02):
            lines.append(_line("adhoc", None, "Replacement shipment", 1_500, {}))
        return lines

    def _collect(self) -> datetime.datetime | None:
        """Add the attempts to collect the invoice; when one succeeded, its time."""
        date, outcome = self._plan.date, self._plan.outcome
        if outcome == "pending":
            return None
        if outcome == "posted":
            self._add_transaction(date, "in_progress", payment_method="direct_debit")
            return None
        if outcome == "voided":
            self._add_transaction(date, "voided", type="authorization", invoice_id=None, linked_invoices=[])
            return None
        if outcome == "needs_attention":
            self._add_transaction(date, "needs_attention", error_code="authentication_required")
            return None
        if outcome in {"failing", "exhausted", "stopped"}:
            self._fail(date, retries=_RETRY_DAYS if outcome != "stopped" else ())
            return None
        if outcome == "recovered":
            first = self._chance.spread({"timeout": 1, "late_failure": 1, "failure": 6})
            self._add_transaction(date, first, **self._declined())
            date += days(self._chance.pick(_RETRY_DAYS[:3]))
        payment = self._add_transaction(date, "success")
        if outcome == "reversed":
            self._add_transaction(
                date + days(5), "success", type="payment_reversal", reference_transaction_id=payment["id"]
            )
        if outcome == "refunded":
            self._add_transaction(date + days(1), "success", type="refund", reference_transaction_id=payment["id"])
        return date

    def _fail(self, date: datetime.datetime, *, retries: tuple[int, ...]) -> None:
        for delay in (0, *retries):
            if date + days(delay) < self._rows.now:
                self._add_transaction(date + days(delay), "failure", **self._declined())

    def _declined(self) -> dict[str, str]:
        code = self._chance.pick(tuple(_DECLINED))
        return {"error_code": code, "error_text": _DECLINED[code]}

    def _add_transaction(self, date: datetime.datetime, status: str, **values: Any) -> Row:
        linked = {"invoice_id": self._number, "applied_amount": self._total, "applied_at": int(date.timestamp())}
        date = min(date, self._rows.now - days(0.02))
        return self._rows.add(
            chargebee.transaction,
            **{
                "id": f"txn_{self._chance.token(16)}",
                **self._owner,
                "invoice_id": self._number,
                "type": "payment",
                "status": status,
                "gateway": "stripe",
                "date": date,
                "currency_code": "USD",
                "amount": self._total,
                "id_at_gateway": f"ch_{self._chance.token(24)}",
                "masked_card_number": "************4242",
                "linked_invoices": [linked],
                "updated_at": date,
                "resource_version": version(date),
                **values,
            },
        )

    def _add_credit_note(self) -> Row | None:
        """Add the credit note of outcomes that have one."""
        kinds: dict[Outcome, tuple[str, str, str]] = {
            "adjusted": ("adjustment", "adjusted", "service_unsatisfactory"),
            "store_credit": ("store", "refund_due", "waiver"),
            "credit_voided": ("refundable", "voided", "other"),
            "refunded": ("refundable", "refunded", "subscription_cancellation"),
            "refund_due": ("refundable", "refund_due", "subscription_cancellation"),
        }
        if self._plan.outcome not in kinds:
            return None
        kind, status, reason = kinds[self._plan.outcome]
        amount = self._total if status == "refunded" else self._total // 2
        date = min(self._plan.date + days(1), self._rows.now - days(0.01))
        return self._rows.add(
            chargebee.credit_note,
            id=f"CN-{self._number}",
            **self._owner,
            reference_invoice_id=self._number,
            type=kind,
            status=status,
            create_reason_code=reason,
            date=date,
            currency_code="USD",
            sub_total=amount,
            total=amount,
            amount_allocated=amount if status == "adjusted" else 0,
            amount_refunded=amount if status == "refunded" else 0,
            amount_available=amount if status == "refund_due" else 0,
            refunded_at=date if status == "refunded" else None,
            voided_at=date if status == "voided" else None,
            generated_at=date,
            updated_at=date,
            resource_version=version(date),
        )


def linked_note(note: Row) -> dict[str, Any]:
    """A credit note as its invoice has it, in the words of Chargebee's API."""
    return {
        "cn_id": note["id"],
        "cn_reason_code": note["create_reason_code"],
        "cn_create_reason_code": note["create_reason_code"],
        "cn_date": int(note["date"].timestamp()),
        "cn_total": note["total"],
        "cn_status": note["status"],
    }


def _line(entity_type: str, entity_id: str | None, text: str, amount: int, period: dict[str, Any]) -> dict[str, Any]:
    return {
        "entity_type": entity_type,
        "entity_id": entity_id,
        "description": text,
        "unit_amount": amount,
        "amount": amount,
        **period,
    }
