"""What an agent keeps in `events` about its work, through GraphQL."""

from datetime import UTC, datetime
from typing import Any, Final, Literal

from agents.graphql.client import GraphQLClient
from agents.graphql.errors import ConstraintViolated, OperationRefused
from agents.graphql.operations import Mutation
from agents.runtime.errors import AlreadyDone
from agents.runtime.handler import Work, WriteBack
from agents.runtime.operations import (
    begin_task,
    find_inbox_entry,
    finish_task,
    record_dead_letter,
    record_delivery,
    record_inbox,
)

#: How an attempt ended, as `events.delivery.outcome` has it.
Outcome = Literal["done", "duplicate", "retry", "dead_letter", "skipped"]

_INBOX_KEY: Final = "inbox_pkey"
#: The code of `finish_task` for a task that was done, cancelled or planned anew meanwhile.
_SUPERSEDED: Final = "task-superseded"


class Record:
    """The inbox, deliveries and dead letters of one agent."""

    def __init__(self, *, agent: str, graphql: GraphQLClient) -> None:
        self._agent = agent
        self._graphql = graphql

    async def check_inbox(self, work: Work) -> None:
        """Return when the event is new to this agent; raises AlreadyDone when it isn't.

        Only saves work: what decides is the inbox's key, when the write-back is done.
        """
        if work.task is not None:
            state = (await self._graphql.query(begin_task(id=work.task.id, generation=work.task.generation))).task
            if not state.due:
                # Also when it was cancelled or planned anew: this one is not to be done any more.
                raise AlreadyDone
        found = await self._graphql.query(find_inbox_entry(agent=self._agent, event_id=work.event_id))
        if found.entry is not None:
            raise AlreadyDone

    async def write_back(self, work: Work, write_back: WriteBack, *, started_at: datetime) -> None:
        """Inbox row, delivery row and all that the handler wants written, in one transaction.

        Raises AlreadyDone when another delivery was faster; then nothing of this is written.
        """
        outcome: Outcome = "done" if write_back.skipped is None else "skipped"
        try:
            await self._graphql.mutate(
                record_inbox(event_id=work.event_id),
                self._delivery(work, outcome, write_back.skipped, started_at),
                *self._end_of_task(work, error=None),
                *write_back.mutations,
            )
        except ConstraintViolated as error:
            if error.constraint == _INBOX_KEY:
                raise AlreadyDone from None
            raise
        except OperationRefused as error:
            if error.code == _SUPERSEDED:
                raise AlreadyDone from None
            raise

    async def attempt(self, work: Work, outcome: Outcome, *, error: str | None, started_at: datetime) -> None:
        """A delivery row on its own: the attempt changed nothing."""
        await self._graphql.mutate(self._delivery(work, outcome, error, started_at))

    async def give_up(self, work: Work, *, reason: str, event: dict[str, Any], started_at: datetime) -> None:
        """A dead letter, and the delivery row that says so."""
        await self._graphql.mutate(
            record_dead_letter(event_id=work.event_id, reason=reason, attempts=work.attempt, event=event),
            self._delivery(work, "dead_letter", reason, started_at),
            *self._end_of_task(work, error=reason),
        )

    @staticmethod
    def _end_of_task(work: Work, *, error: str | None) -> tuple[Mutation, ...]:
        if work.task is None:
            return ()
        return (finish_task(id=work.task.id, generation=work.task.generation, error=error),)

    @staticmethod
    def _delivery(work: Work, outcome: Outcome, error: str | None, started_at: datetime) -> Any:
        return record_delivery(
            event_id=work.event_id,
            attempt=work.attempt,
            outcome=outcome,
            error=error,
            effects=work.effects,
            started_at=started_at,
            finished_at=datetime.now(UTC),
        )
