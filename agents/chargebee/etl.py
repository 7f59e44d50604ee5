"""The job `etl`: what changed in Chargebee since the last run, into the mirror, each minute."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import structlog

from agents.chargebee.reading import MIRRORED, Progress, Reader, for_at_most
from agents.runtime.jobs import JobResult, JobRun
from integrations.chargebee.types import Resource

_log = structlog.get_logger(__name__)

#: A run that has more to read than this lets the next one go on: runs come each minute.
BUDGET: Final = timedelta(seconds=50)


async def run_etl(run: JobRun, *, reader: Reader, budget: timedelta = BUDGET) -> JobResult:
    """Bring the mirror up to date; counts by resource. Raises the first error, after all resources had their turn."""
    del run
    time_left = for_at_most(budget)
    ends = await asyncio.gather(
        *(reader.read(resource, time_left=time_left) for resource in MIRRORED), return_exceptions=True
    )
    result = _result(MIRRORED, ends)
    for end in ends:
        if isinstance(end, BaseException):
            _log.warning("etl.incomplete", **result)
            raise end
    return result


def _result(resources: Sequence[Resource], ends: Sequence[Progress | BaseException]) -> dict[str, int | str]:
    result: dict[str, int | str] = {}
    for resource, end in zip(resources, ends, strict=True):
        if isinstance(end, BaseException):
            result[resource.value] = type(end).__name__
        elif end.busy:
            result[resource.value] = "another run has it"
        else:
            result[resource.value] = end.rows_read
            if end.unmirrorable:
                result[f"{resource.value}_unmirrorable"] = len(end.unmirrorable)
            if not end.ended:
                result[f"{resource.value}_goes_on"] = "in the next run"
    return result
