"""History: invoices that were over before the mirror was begun, and which nobody is told of.

A run that reads everything brings them, be it a back-fill or the ETL's first one.

    before (begun − MARGIN)          begun                                     now
    ──────────┼────────────────────────┼─────────────────────────────────────────
    paid, voided or deleted: history   │  whoever brings it first tells of it
    anything else: told                │

An invoice that has not ended is told however old it is: who collects it decides what is too late. Whatever changed
since the mirror was begun is told, too, by the ETL, a webhook or a back-fill. And a row that is here already was told
of or is history, so its change is told. See docs/decisions/history-is-not-told.md.

What history paid counts in customers' lifetime value all the same. `count` adds it up, a customer at a time.
"""

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from agents.graphql.client import GraphQLClient
from agents.graphql.operations import Mutation
from agents.mirror.operations import (
    BilledCustomers,
    billed_customers,
    count_history,
    mirror_begun,
    paid_in_history,
)
from integrations.chargebee.invoices import Columns
from integrations.chargebee.rows import Row

#: Chargebee tries to deliver a webhook for two days (https://apidocs.chargebee.com/docs/api/webhooks); who began with
#: webhooks alone and lost one is told of what it was about.
MARGIN: Final = timedelta(days=3)

#: The agent whose back-fill may bring history; the endpoint's rules name it, too.
_AGENT: Final = "chargebee"
_ENDED: Final = frozenset({"paid", "voided"})
#: What says whether an invoice is history, and how much of it.
_JUDGED: Final = ("updated_at", "status", "deleted", "issued_credit_notes", "amount_paid", "credits_applied")
_CUSTOMERS_AT_ONCE: Final = 500
_CHANGES_AT_ONCE: Final = 50


@dataclass(frozen=True, kw_only=True, slots=True)
class History:
    """What is history of one mirror."""

    #: Only what last changed before this moment.
    before: datetime

    def marker(self) -> Callable[[Row], None]:
        """A function that marks a row of `invoice` as history when it is, and else as none."""
        judge = self._judge()

        def mark(row: Row) -> None:
            # Named also where it is none: rows of one shape are one plan at the endpoint.
            row["history_by"], row["history_paid"] = judge(*map(row.__getitem__, _JUDGED))

        return mark

    def mark_columns(self, columns: Columns) -> None:
        """Mark rows of `invoice`, given by columns, as `marker` marks each."""
        marks = list(map(self._judge(), *(columns[name] for name in _JUDGED)))
        columns["history_by"] = [by for by, _ in marks]
        columns["history_paid"] = [paid for _, paid in marks]

    def _judge(
        self,
    ) -> Callable[[str, str, bool, Sequence[Mapping[str, Any]], int, int], tuple[str | None, int | None]]:
        """A function of the columns `_JUDGED` that gives `history_by` and `history_paid`.

        Credit notes that are used up were given back or paid for other invoices, and only the notes themselves, which
        come later, tell how much of which. So they are taken off here, and what other notes paid for this one is
        added: over a customer's invoices that comes to what was given back.
        """
        # Rows have their times as text, in UTC and whole seconds: as text they compare as they do as times.
        before = self.before.astimezone(UTC).replace(microsecond=0).isoformat()

        def judge(
            updated_at: str, status: str, deleted: bool, notes: Sequence[Mapping[str, Any]], paid: int, credited: int
        ) -> tuple[str | None, int | None]:
            if updated_at < before and (status in _ENDED or deleted):
                return _AGENT, paid + credited - (_used_up(notes) if notes else 0)
            return None, None

        return judge


@dataclass(frozen=True, kw_only=True, slots=True)
class Counted:
    """What came of counting."""

    #: Customers whose lifetime value has changed.
    customers: int
    #: Invoices in another currency than their customer's. They aren't counted: the mirror has no rates.
    left_out: int


async def history_of(cursors: Sequence[str], *, graphql: GraphQLClient, now: datetime) -> History:
    """What is history for a mirror that runs with these cursors keep; one that has none begins now."""
    answer = await graphql.query(mirror_begun(resources=list(cursors)))
    begun = answer.cursors[0].created_at if answer.cursors else now
    return History(before=min(begun, now) - MARGIN)


async def count(graphql: GraphQLClient) -> Counted:
    """Bring what history paid into the lifetime value of all customers who are linked to a billing record.

    Safe to repeat and to break off: each customer's row says how much of it is counted.
    """
    changed = left_out = 0
    after = uuid.UUID(int=0)
    while customers := (await graphql.query(billed_customers(after=after, limit=_CUSTOMERS_AT_ONCE))).customers:
        after = customers[-1].id
        paid, other_currency = await _paid(customers, graphql)
        left_out += other_currency
        changes = list(_changes(customers, paid))
        for start in range(0, len(changes), _CHANGES_AT_ONCE):
            await graphql.mutate(*changes[start : start + _CHANGES_AT_ONCE])
        changed += len(changes)
    return Counted(customers=changed, left_out=left_out)


async def _paid(customers: Sequence[BilledCustomers.Customers], graphql: GraphQLClient) -> tuple[dict[str, int], int]:
    """What each billing record paid in its customer's currency, and how many invoices were in others."""
    currencies = {one.chargebee_customer_id: one.currency_code for one in customers if one.chargebee_customer_id}
    answer = await graphql.query(paid_in_history(customer_ids=list(currencies)))
    paid: dict[str, int] = {}
    others = 0
    for group in answer.paid:
        customer_id, total = group.key.customer_id, group.aggregate.sum
        if customer_id is None or total is None:
            continue
        if group.key.currency_code == currencies[customer_id]:
            paid[customer_id] = total.history_paid or 0
        else:
            others += group.aggregate.count
    return paid, others


def _changes(customers: Sequence[BilledCustomers.Customers], paid: Mapping[str, int]) -> Iterator[Mutation[Any]]:
    for customer in customers:
        value = paid.get(customer.chargebee_customer_id or "", customer.history_value)
        if value != customer.history_value:
            yield count_history(
                id=customer.id, counted=customer.history_value, value=value, more=value - customer.history_value
            )


def _used_up(notes: Sequence[Mapping[str, Any]]) -> int:
    return sum(note.get("cn_total") or 0 for note in notes if note.get("cn_status") == "refunded")
