"""A contract begins: on its first day, and once something pays for it.

Without a subscription it waits. Chargebee makes none whose first charge is declined, so what waits may never be paid
for, and nobody is treated, or rewarded for having brought a friend, on the strength of it.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Final
from uuid import UUID

from agents.contract.operations import activate_contracts, find_beginning_contracts
from agents.graphql.client import GraphQLClient
from agents.graphql.operations import Mutation
from agents.runtime.jobs import JobResult, JobRun

#: Contracts that begin in one mutation.
PAGE: Final = 200
#: Before every contract's id.
_FIRST: Final = UUID(int=0)


def begin(contract_id: UUID, *, start_date: date, subscription_id: str | None, now: datetime) -> tuple[Mutation, ...]:
    """The write-back that makes a future contract active if it is paid for and its day (UTC) has come; else nothing.

    Twice is once, and one that was cancelled meanwhile stays so: only what is still `future` changes.
    """
    if subscription_id is None or start_date > now.astimezone(UTC).date():
        return ()
    return (activate_contracts(ids=[contract_id], activated_at=now),)


async def activation(run: JobRun, *, graphql: GraphQLClient, clock: Callable[[], datetime]) -> JobResult:
    """Make every future contract active that is paid for and whose first day (UTC) has come; safe to repeat.

    Most begin when they are written or get their subscription (`handlers.py`), or here, at the start of their day.

    Those of deleted customers are not seen here, and one that is cancelled meanwhile stays so. The change of each row
    is told as contract.updated, of which this agent makes contract.activated.
    """
    del run
    today = clock().astimezone(UTC).date()
    found = activated = 0
    after = _FIRST
    while True:
        page = (await graphql.query(find_beginning_contracts(today=today, after=after, limit=PAGE))).contracts
        if page:
            ids = [contract.id for contract in page]
            answer = await graphql.query(activate_contracts(ids=ids, activated_at=clock()))
            found += len(page)
            activated += answer.update_contract.affected_rows if answer.update_contract else 0
            after = ids[-1]
        if len(page) < PAGE:
            return {"found": found, "activated": activated}
