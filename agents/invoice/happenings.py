"""What the change of an invoice's row means: money came in or went back, a payment failed, or nothing is due any more.

The mirror skips states: the ETL looks once a minute, webhooks come in any order, and an older version never overwrites
a newer one. So a happening is the difference between two rows, whatever lay between them. Amounts are differences of
running totals; whichever steps the mirror took, they add up to the same.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from agents.events.invoice import InvoiceRow, IssuedCreditNote

_UNPAID: Final = frozenset({"payment_due", "not_paid"})
#: While `success` and None mean that nothing stands against it.
_DUNNED: Final = frozenset({"in_progress", "exhausted", "stopped"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Happenings:
    """What happened to one invoice; amounts in minor units of its currency."""

    #: What came in.
    paid: int = 0
    #: What came in before and no longer counts for this invoice: a bank took it back, or somebody took it off.
    taken_off: int = 0
    #: Credit notes that are used up: given back, or put towards other invoices. The notes themselves tell how much of
    #: which, their links in the invoice don't.
    used_up: Sequence[IssuedCreditNote] = ()
    #: An attempt to collect failed, the first since the invoice was all right.
    failed: bool = False
    #: A payment made good what had failed.
    recovered: bool = False
    #: Nothing is to be collected any more although nobody paid: voided, written off, credited.
    settled: bool = False

    @property
    def any(self) -> bool:
        """Whether anything happened that concerns somebody."""
        return bool(self.paid or self.taken_off or self.used_up or self.failed or self.recovered or self.settled)


def happenings_of_new(row: InvoiceRow, *, now: datetime, window: timedelta) -> Happenings:
    """What an invoice that is new in the mirror tells of.

    One that failed longer than `window` ago is history that a back-fill brought: nobody is told of it now.
    """
    return Happenings(
        paid=row.amount_paid,
        used_up=used_up(row.issued_credit_notes),
        failed=is_failing(row) and row.date > now - window,
    )


def happenings_between(old: InvoiceRow, new: InvoiceRow) -> Happenings:
    """What happened between two states of an invoice."""
    paid = max(new.amount_paid - old.amount_paid, 0)
    before = {note.cn_id for note in used_up(old.issued_credit_notes)}
    ended = is_failing(old) and not is_failing(new)
    return Happenings(
        paid=paid,
        taken_off=max(old.amount_paid - new.amount_paid, 0),
        used_up=tuple(note for note in used_up(new.issued_credit_notes) if note.cn_id not in before),
        failed=is_failing(new) and not is_failing(old),
        recovered=ended and paid > 0 and new.status == "paid",
        settled=ended and not (paid > 0 and new.status == "paid"),
    )


def is_failing(row: InvoiceRow) -> bool:
    """Whether it is due and an attempt to collect it has failed. What is merely due has not failed."""
    return not row.deleted and row.status in _UNPAID and (row.dunning_status in _DUNNED or row.status == "not_paid")


def used_up(notes: Iterable[IssuedCreditNote]) -> tuple[IssuedCreditNote, ...]:
    """Those of which nothing is left: given back, or put towards other invoices; their links don't say which."""
    return tuple(note for note in notes if note.cn_status == "refunded")
