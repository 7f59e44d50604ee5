"""The SQLite file of queues and tasks, and the clock. Calls are short and synchronous: one process, one thread."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from google.cloud.tasks_v2.types import Queue, Task

_SCHEMA: Final = Path(__file__).with_name("schema.sql")
_CLOCK: Final = "clock_offset_s"
#: https://cloud.google.com/tasks/docs/reference/rpc/google.cloud.tasks.v2#createtaskrequest: "up to 1 hour".
TOMBSTONE_S: Final = 3600.0


class Store:
    """Queues, tasks and used names. What a `transaction` wrote survives a kill of the process."""

    def __init__(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(file, isolation_level=None)
        self._db.execute("PRAGMA journal_mode = WAL")
        # Survives a kill; only a power cut could lose the last moment.
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.execute("PRAGMA foreign_keys = ON")
        self._db.executescript(_SCHEMA.read_text(encoding="utf-8"))

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of the block or nothing."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    # The clock: the machine's, moved by what a test has set. The move survives restarts.

    def now(self) -> float:
        """Seconds since the epoch."""
        row = self._db.execute("SELECT value FROM setting WHERE name = ?", (_CLOCK,)).fetchone()
        return time.time() + (row[0] if row else 0.0)

    def turn_clock(self, moment: datetime | None) -> None:
        """Make it that moment; time goes on from there. None: the machine's time."""
        offset = 0.0 if moment is None else moment.timestamp() - time.time()
        self._db.execute("INSERT OR REPLACE INTO setting VALUES (?, ?)", (_CLOCK, offset))

    # Queues

    def find_queue(self, name: str) -> Queue | None:
        """The queue with its present state."""
        row = self._db.execute("SELECT message, paused FROM queue WHERE name = ?", (name,)).fetchone()
        return _queue(*row) if row else None

    def queues(self, location: str) -> list[Queue]:
        """Queues of `projects/…/locations/…`, by name."""
        rows = self._db.execute(
            "SELECT message, paused FROM queue WHERE name GLOB ? ORDER BY name", (f"{location}/queues/*",)
        )
        return [_queue(*row) for row in rows]

    def put_queue(self, queue: Queue, *, paused: bool) -> None:
        """Write a queue, new or changed."""
        self._db.execute(
            "INSERT INTO queue VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE"
            " SET message = excluded.message, paused = excluded.paused",
            (queue.name, Queue.serialize(queue), paused),
        )

    def delete_queue(self, name: str) -> None:
        """Remove a queue with its tasks."""
        self._db.execute("DELETE FROM queue WHERE name = ?", (name,))

    # Tasks

    def find_task(self, name: str) -> Task | None:
        """The task, when it has neither succeeded nor been given up or deleted."""
        row = self._db.execute("SELECT message FROM task WHERE name = ?", (name,)).fetchone()
        return Task.deserialize(row[0]) if row else None

    def tasks(self, queue: str, *, after: str, limit: int) -> list[Task]:
        """Tasks of a queue by name, from behind `after`."""
        rows = self._db.execute(
            "SELECT message FROM task WHERE queue = ? AND name > ? ORDER BY name LIMIT ?", (queue, after, limit)
        )
        return [Task.deserialize(row[0]) for row in rows]

    def was_used(self, name: str) -> bool:
        """Whether a task had this name until a short while ago."""
        self._db.execute("DELETE FROM tombstone WHERE until <= ?", (self.now(),))
        return self._db.execute("SELECT 1 FROM tombstone WHERE name = ?", (name,)).fetchone() is not None

    def put_task(self, queue: str, task: Task, *, due_at: float, first_dispatch_at: float | None = None) -> None:
        """Write a task, new or changed."""
        self._db.execute(
            "INSERT INTO task VALUES (?, ?, ?, ?, ?) ON CONFLICT (name) DO UPDATE"
            " SET message = excluded.message, due_at = excluded.due_at, first_dispatch_at = excluded.first_dispatch_at",
            (task.name, queue, Task.serialize(task), due_at, first_dispatch_at),
        )

    def end_task(self, name: str) -> None:
        """Remove a task, whose name can't be used again for a while."""
        self._db.execute("DELETE FROM task WHERE name = ?", (name,))
        self._db.execute("INSERT OR REPLACE INTO tombstone VALUES (?, ?)", (name, self.now() + TOMBSTONE_S))

    def due(self, *, limit: int) -> list[tuple[str, Task, float | None]]:
        """Due tasks of queues that aren't paused, with queue and time of the first attempt; the longest due first."""
        rows = self._db.execute(
            "SELECT t.queue, t.message, t.first_dispatch_at FROM task AS t JOIN queue AS q ON q.name = t.queue"
            " WHERE t.due_at <= ? AND NOT q.paused ORDER BY t.due_at LIMIT ?",
            (self.now(), limit),
        )
        return [(queue, Task.deserialize(message), first) for queue, message, first in rows]

    def next_due_at(self) -> float | None:
        """When the next task of a queue that isn't paused falls due."""
        row = self._db.execute(
            "SELECT min(t.due_at) FROM task AS t JOIN queue AS q ON q.name = t.queue WHERE NOT q.paused"
        ).fetchone()
        value: float | None = row[0]
        return value

    def counts(self) -> dict[str, Any]:
        """Tasks by queue."""
        rows = self._db.execute(
            "SELECT q.name, q.paused, count(t.name) FROM queue AS q LEFT JOIN task AS t ON t.queue = q.name GROUP BY 1"
        )
        return {name: {"paused": bool(paused), "tasks": tasks} for name, paused, tasks in rows}


def to_datetime(seconds: float) -> datetime:
    """The time of seconds since the epoch."""
    return datetime.fromtimestamp(seconds, UTC)


def _queue(message: bytes, paused: int) -> Queue:
    queue: Queue = Queue.deserialize(message)
    queue.state = Queue.State.PAUSED if paused else Queue.State.RUNNING
    return queue
