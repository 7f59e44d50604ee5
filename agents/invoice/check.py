"""The job `recovery-check`: attempts that should have been made and were not are planned anew."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

import structlog

from agents.graphql.client import GraphQLClient
from agents.graphql.errors import OperationRefused
from agents.invoice.operations import find_overdue_recoveries, reschedule_retry
from agents.invoice.schedule import task_name
from agents.runtime.jobs import JobResult, JobRun

_log = structlog.get_logger(__name__)

#: An attempt that is so late is not under way any more: Cloud Tasks has long given it up, or this agent has.
PATIENCE: Final = timedelta(hours=12)
_A_RUN: Final = 200


async def recovery_check(run: JobRun, *, graphql: GraphQLClient, clock: Callable[[], datetime]) -> JobResult:
    """Plan the overdue attempts for now; safe to repeat: an attempt that was made is not made again."""
    del run
    now = clock()
    found = await graphql.query(find_overdue_recoveries(before=now - PATIENCE, limit=_A_RUN))
    planned = lost = 0
    for recovery in found.recoveries:
        assert recovery.invoice_id is not None, "asked for"
        name = task_name(recovery.invoice_id, recovery.event_id, recovery.attempts + 1)
        try:
            await graphql.mutate(reschedule_retry(name=name, due_at=now))
        except OperationRefused as error:
            # Done by now, or never planned; a person finds the second kind by its date in the portal.
            _log.warning("recovery.not_planned", task=name, code=error.code)
            lost += 1
        else:
            planned += 1
    return {"overdue": len(found.recoveries), "planned": planned, "not_planned": lost}
