"""The job `activation`: contracts begin on their first day."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from agents.contract.operations import activate_contracts, find_beginning_contracts
from agents.graphql.client import GraphQLClient
from agents.runtime.jobs import JobResult, JobRun

#: Contracts that begin in one mutation.
PAGE: Final = 200
#: Before every contract's id.
_FIRST: Final = UUID(int=0)


async def activation(run: JobRun, *, graphql: GraphQLClient, clock: Callable[[], datetime]) -> JobResult:
    """Make every future contract active whose first day (UTC) has come; safe to repeat.

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
