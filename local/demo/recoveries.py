"""How each invoice that wasn't paid at once was followed: the recoveries, and the attempts that are still to come."""

import datetime
import uuid
from typing import Any, Final

from local.demo.dates import days
from local.demo.rows import Row, Rows
from schema.tables import chargebee, events, public

#: What became of the attempts to collect → what became of the recovery. Stopped by somebody in billing.
_STATUS: Final = {"in_progress": "open", "success": "recovered", "exhausted": "exhausted", "stopped": "cancelled"}
_RETRIES: Final = 4
#: Cards that are of no use any more.
_HARD: Final = frozenset({"expired_card"})


def add_recoveries(rows: Rows) -> None:
    """A recovery for each invoice of ours that an attempt to collect had failed for."""
    customers = {row["chargebee_customer_id"]: row["id"] for row in rows.all(public.customer)}
    charges: dict[str, list[Row]] = {}
    for charge in rows.all(chargebee.transaction):
        charges.setdefault(charge["invoice_id"], []).append(charge)
    for invoice in rows.all(chargebee.invoice):
        status = _STATUS.get(invoice["dunning_status"])
        if status is not None:
            _add(rows, invoice, charges.get(invoice["id"], []), status, customers[invoice["customer_id"]])


def _add(rows: Rows, invoice: Row, charges: list[Row], status: str, customer_id: Any) -> None:
    declined = [charge for charge in charges if charge["status"] not in {"success", "in_progress"}]
    code = next((charge["error_code"] for charge in reversed(declined)), None)
    made = min(len(charges) - 1, _RETRIES - 1) if status == "open" else min(len(charges) - 1, _RETRIES)
    failed_at = invoice["date"]
    closed_at: datetime.datetime | None = None
    if status != "open":
        closed_at = min(invoice["paid_at"] or failed_at + days(7), rows.now)
    recovery = rows.add(
        public.payment_recovery,
        customer_id=customer_id,
        invoice_id=invoice["id"],
        subscription_id=invoice["subscription_id"],
        status=status,
        status_reason="the attempts were stopped in Chargebee" if status == "cancelled" else None,
        event_id=uuid.uuid5(uuid.NAMESPACE_URL, f"invoice.payment_failed/{invoice['id']}"),
        amount=invoice["total"],
        currency_code=invoice["currency_code"],
        retries=made + 1 if status == "open" else _RETRIES,
        attempts=max(made, 0),
        next_retry_at=invoice["next_retry_at"] if status == "open" else None,
        last_decline_code=code,
        needs_new_card=code in _HARD,
        declined_at=declined[-1]["date"] if declined else failed_at,
        failed_at=failed_at,
        closed_at=closed_at,
        created_at=failed_at,
        updated_at=closed_at or failed_at,
    )
    if status == "open":
        _plan(rows, recovery)


def _plan(rows: Rows, recovery: Row) -> None:
    """The attempt that is to come, as the invoice agent plans it."""
    number = recovery["attempts"] + 1
    rows.add(
        events.scheduled_task,
        name=f"payment-retry-{recovery['invoice_id']}-{recovery['event_id']}-{number}",
        kind="payment.retry",
        target="invoice",
        payload={
            "invoice_id": recovery["invoice_id"],
            "event_id": str(recovery["event_id"]),
            "number": number,
            "due_at": recovery["next_retry_at"].isoformat(),
            "next_due_at": None,
        },
        due_at=recovery["next_retry_at"],
        created_at=recovery["failed_at"],
        updated_at=recovery["failed_at"],
    )
