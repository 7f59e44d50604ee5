"""What the running platform tells of itself: one small JSON file, replaced whole at every change.

Shape: `{"supervisor": {"pid", "started_at"}, "parts": [{"name", "url", "state", "pid", "restarts", "detail"}]}`.
It may outlive the platform (SIGKILL); the lock, not the file, says whether anything runs.
"""

import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from local.supervisor.part import State


@dataclass(frozen=True, slots=True, kw_only=True)
class PartStatus:
    """One part, as `caregraph status` shows it."""

    name: str
    url: str
    state: State
    #: Process id of its program; None while there is none.
    pid: int | None
    #: How often it was started again after ending by itself.
    restarts: int = 0
    #: Why it failed or is being started again; empty when all is well.
    detail: str = ""

    def as_json(self) -> dict[str, Any]:
        """The object in the file."""
        return {
            "name": self.name,
            "url": self.url,
            "state": str(self.state),
            "pid": self.pid,
            "restarts": self.restarts,
            "detail": self.detail,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformStatus:
    """The whole platform."""

    pid: int
    started_at: datetime
    parts: tuple[PartStatus, ...]

    def write(self, path: Path) -> None:
        """Replace the file; addresses hold the database's password, so only its owner may read it."""
        document = {
            "supervisor": {"pid": self.pid, "started_at": self.started_at.isoformat()},
            "parts": [part.as_json() for part in self.parts],
        }
        temporary = path.with_suffix(".new")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(document, file, indent=1)
        temporary.replace(path)


def read_status(path: Path) -> PlatformStatus | None:
    """What the file says; None when there is none, or it isn't ours."""
    try:
        document = json.loads(path.read_text())
        return PlatformStatus(
            pid=document["supervisor"]["pid"],
            started_at=datetime.fromisoformat(document["supervisor"]["started_at"]).astimezone(UTC),
            parts=tuple(PartStatus(**{**part, "state": State(part["state"])}) for part in document["parts"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
