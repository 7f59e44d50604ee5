"""What Chargebee itself says of an invoice and of the attempts to collect it: the mirror may be a minute behind."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from agents.charging.declines import is_hard
from agents.events.invoice import IssuedCreditNote
from agents.invoice.happenings import used_up
from agents.runtime.handler import Work
from integrations.chargebee.client import ChargebeeClient
from integrations.chargebee.types import Invoice, instant
from integrations.errors import NotFound

_DUE: Final = frozenset({"payment_due", "not_paid"})
_IN_VAIN: Final = frozenset({"failure", "timeout", "voided", "late_failure"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Decline:
    """A charge that failed."""

    at: datetime | None
    #: The gateway's word; None when it gave none.
    code: str | None
    payment_source_id: str | None

    @property
    def is_hard(self) -> bool:
        """Whether the card itself is of no use any more."""
        return is_hard(self.code)


def is_due(invoice: Invoice) -> bool:
    """Whether there is something to collect."""
    return invoice.status in _DUE and invoice.amount_due > 0


async def settled_by(invoice: Invoice, work: Work, *, chargebee: ChargebeeClient) -> str | None:
    """Why nothing is to be collected any more although nobody paid; None when it is due, or was paid."""
    if invoice.raw.get("deleted"):
        return "the invoice was deleted"
    if invoice.status == "voided":
        return "the invoice was voided"
    notes = [IssuedCreditNote.model_validate(note) for note in invoice.raw.get("issued_credit_notes") or ()]
    if await find_given_back(used_up(notes), work, chargebee=chargebee) > 0:
        return "money was given back"
    if is_due(invoice):
        return None
    if invoice.raw.get("write_off_amount"):
        return "the invoice was written off"
    if invoice.raw.get("amount_adjusted") or invoice.raw.get("credits_applied"):
        return "the invoice was credited"
    return None


async def find_decline(
    invoice: Invoice, work: Work, *, chargebee: ChargebeeClient, since: datetime | None = None
) -> Decline | None:
    """The last charge for the invoice that failed, at or after `since`; None when there was none."""
    failed = [
        payment
        for payment in invoice.raw.get("linked_payments") or ()
        if payment.get("txn_status") in _IN_VAIN and (since is None or _at(payment.get("txn_date")) >= since)
    ]
    if not failed:
        return None
    transaction_id = max(enumerate(failed), key=lambda one: (one[1].get("txn_date") or 0, one[0]))[1]["txn_id"]
    async with work.step("look-at-charge", system="chargebee", action="get_transaction", id=transaction_id):
        try:
            transaction = await chargebee.get_transaction(transaction_id)
        except NotFound:
            return Decline(at=None, code=None, payment_source_id=None)
    return Decline(at=transaction.date, code=transaction.decline_code, payment_source_id=transaction.payment_source_id)


async def find_given_back(notes: Iterable[IssuedCreditNote], work: Work, *, chargebee: ChargebeeClient) -> int:
    """What was given back as money of notes that are used up; the rest of them paid for other invoices."""
    given_back = 0
    for note in notes:
        async with work.step(f"look-at-{note.cn_id}", system="chargebee", action="get_credit_note", id=note.cn_id):
            try:
                given_back += (await chargebee.get_credit_note(note.cn_id)).amount_refunded
            except NotFound:
                given_back += note.cn_total
    return given_back


def _at(epoch_s: int | None) -> datetime:
    at = instant(epoch_s or 0)
    assert at is not None
    return at
