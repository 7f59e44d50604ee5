"""When the first charge for a contract is tried again: tasks, and how they are named."""

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from agents.chargebee.operations import EventsScheduledTaskInsertInput, cancel_attempt, plan_first_payments
from agents.graphql.operations import Mutation
from agents.runtime.tasks import Task
from integrations.chargebee.types import PaymentSource


class FirstPayment(Task):
    """Another attempt at the first charge for a contract."""

    TYPE: ClassVar[str] = "contract.first_payment"

    contract_id: UUID
    #: The event that the recovery began with.
    event_id: UUID
    #: From 1; None for the one that another card gave rise to.
    number: int | None = None
    #: When the next one is planned; None for the last.
    next_due_at: datetime | None = None

    @property
    def is_last(self) -> bool:
        """Whether it is the last one that was planned."""
        return self.number is not None and self.next_due_at is None


def plan_attempts(contract_id: UUID, event_id: UUID, due_times: Sequence[datetime]) -> Mutation:
    """Plan an attempt for each of these times; what is planned already stays."""
    tasks = []
    for number, due_at in enumerate(due_times, start=1):
        following = due_times[number] if number < len(due_times) else None
        task = FirstPayment(contract_id=contract_id, event_id=event_id, number=number, next_due_at=following)
        tasks.append(_row(f"{_name(contract_id, event_id)}-{number}", task, due_at=due_at))
    return plan_first_payments(tasks=tasks)


def card_attempt(
    contract_id: UUID, event_id: UUID, source: PaymentSource, *, due_at: datetime
) -> EventsScheduledTaskInsertInput:
    """The attempt that another card gives rise to, once for that card as it is."""
    version = f"{source.updated_at:%Y%m%dT%H%M%S}" if source.updated_at else "new"
    task = FirstPayment(contract_id=contract_id, event_id=event_id)
    return _row(f"{_name(contract_id, event_id)}-{source.id}-{version}", task, due_at=due_at)


def cancel_rest(contract_id: UUID, event_id: UUID, *, after: int, retries: int) -> tuple[Mutation, ...]:
    """Cancel the planned attempts that come after that one."""
    return tuple(
        cancel_attempt(name=f"{_name(contract_id, event_id)}-{number}") for number in range(after + 1, retries + 1)
    )


def _row(name: str, task: FirstPayment, *, due_at: datetime) -> EventsScheduledTaskInsertInput:
    return {
        "name": name,
        "kind": FirstPayment.TYPE,
        "target": "chargebee",
        "due_at": due_at,
        "payload": task.model_dump(mode="json"),
    }


def _name(contract_id: UUID, event_id: UUID) -> str:
    return f"first-payment-{contract_id}-{event_id}"
