"""When a failed payment is tried again, and the scheduled tasks that do it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, Final
from uuid import UUID

from agents.graphql.operations import Mutation
from agents.invoice.operations import EventsScheduledTaskInsertInput, cancel_retry, plan_retries
from agents.runtime.tasks import Task

_KIND: Final = "payment.retry"
_TARGET: Final = "invoice"


class PaymentRetry(Task):
    """Another attempt to collect what an invoice asks for."""

    TYPE: ClassVar[str] = _KIND

    invoice_id: str
    #: The `invoice.payment_failed` that the plan is of.
    event_id: UUID
    #: From 1.
    number: int
    #: When it was planned for. A charge since then is this attempt, whoever made it.
    due_at: datetime
    #: When the next one is planned; None for the last.
    next_due_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Schedule:
    """The planned attempts of one failed payment."""

    invoice_id: str
    event_id: UUID
    due_times: Sequence[datetime]

    @classmethod
    def of(cls, invoice_id: str, *, event_id: UUID, failed_at: datetime, days: Iterable[int]) -> "Schedule":
        """So many days after the payment failed first."""
        times = tuple(failed_at + timedelta(days=day) for day in days)
        return cls(invoice_id=invoice_id, event_id=event_id, due_times=times)

    def plan(self) -> Mutation:
        """Write the tasks; what is planned already stays as it is."""
        rows: list[EventsScheduledTaskInsertInput] = []
        for number, due_at in enumerate(self.due_times, start=1):
            following = self.due_times[number] if number < len(self.due_times) else None
            task = PaymentRetry(
                invoice_id=self.invoice_id,
                event_id=self.event_id,
                number=number,
                due_at=due_at,
                next_due_at=following,
            )
            rows.append(
                {
                    "name": task_name(self.invoice_id, self.event_id, number),
                    "kind": _KIND,
                    "target": _TARGET,
                    "due_at": due_at,
                    "payload": task.model_dump(mode="json"),
                }
            )
        return plan_retries(tasks=rows)


def cancel_rest(invoice_id: str, *, event_id: UUID, after: int, retries: int) -> tuple[Mutation, ...]:
    """Cancel the attempts that come after number `after`; what is over already stays so."""
    return tuple(cancel_retry(name=task_name(invoice_id, event_id, number)) for number in range(after + 1, retries + 1))


def task_name(invoice_id: str, event_id: UUID, number: int) -> str:
    """Names an attempt, so that it is planned once: an invoice may fail, be paid, and fail again."""
    return f"payment-retry-{invoice_id}-{event_id}-{number}"
