"""When a job is due, and which time was called last: a small file that survives restarts."""

from datetime import UTC, datetime
from pathlib import Path

import orjson
from cronsim import CronSim


def last_due(schedule: str, *, now: datetime) -> datetime:
    """The latest time at or before `now` that the schedule names. UTC."""
    previous: datetime = next(CronSim(schedule, now.astimezone(UTC), reverse=True))
    # Backwards, the current minute itself doesn't count.
    this_minute = now.astimezone(UTC).replace(second=0, microsecond=0)
    following: datetime = next(CronSim(schedule, previous))
    return following if following <= this_minute else previous


class Called:
    """Which time of each job was called last."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._times: dict[str, str] = orjson.loads(file.read_bytes()) if file.exists() else {}

    def last(self, job: str) -> datetime | None:
        """The time that was called last; None for a job that is new here."""
        text = self._times.get(job)
        return datetime.fromisoformat(text) if text else None

    def note(self, job: str, due_at: datetime) -> None:
        """Remember that a time is dealt with; it is in the file when this returns."""
        self._times[job] = due_at.isoformat()
        self._file.parent.mkdir(parents=True, exist_ok=True)
        draft = self._file.with_suffix(".new")
        draft.write_bytes(orjson.dumps(self._times))
        draft.replace(self._file)
