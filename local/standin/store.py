"""The SQLite file of one stand-in. Calls are short and synchronous: one process, one connection, one thread."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

_SCHEMA = Path(__file__).with_name("schema.sql")
_TABLES = ("document", "counter", "setting", "received", "answer", "webhook")

#: Requests remembered; older ones are dropped a thousand at a time.
RECEIVED_KEPT = 20_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Received:
    """One request of a client and its answer."""

    seq: int
    at: str
    method: str
    path: str
    query: str
    idempotency_key: str | None
    traceparent: str | None
    body: str | None
    status: int | None
    replayed: bool
    fault: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptAnswer:
    """What a request with an idempotency key was answered."""

    fingerprint: str
    status: int
    body: bytes


class Store:
    """Documents, counters, settings, received requests and kept answers of one stand-in.

    Changes are durable over a kill of the process once their `transaction` has ended.
    """

    def __init__(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        # Transactions are ours to begin and end.
        self._db = sqlite3.connect(file, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode = WAL")
        # Survives a kill; only a power cut could lose the last moment, which is fine for a stand-in.
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.execute("PRAGMA busy_timeout = 5000")
        self._db.executescript(_SCHEMA.read_text())
        self._depth = 0

    def close(self) -> None:
        """Close the file; calling twice is safe."""
        self._db.close()

    def prepare(self, script: str) -> None:
        """Run DDL of the service's own, such as indexes on its documents' fields."""
        self._db.executescript(script)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All changes made inside are kept together, or none when it raises. One inside another joins it."""
        if self._depth:
            yield
            return
        self._db.execute("BEGIN IMMEDIATE")
        self._depth = 1
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        else:
            self._db.execute("COMMIT")
        finally:
            self._depth = 0

    def wipe(self) -> None:
        """Empty every table."""
        with self.transaction():
            for table in _TABLES:
                self._db.execute(f"DELETE FROM {table}")  # noqa: S608 - names from the list above

    def rows(self, sql: str, binds: Sequence[Any] | Mapping[str, Any] = ()) -> list[sqlite3.Row]:
        """Rows of a statement; values go in as binds only."""
        return self._db.execute(sql, binds).fetchall()

    def execute(self, sql: str, binds: Sequence[Any] | Mapping[str, Any] = ()) -> sqlite3.Cursor:
        """Run a statement that gives no rows."""
        return self._db.execute(sql, binds)

    # Documents

    def put(
        self,
        kind: str,
        document_id: str,
        body: Mapping[str, Any],
        *,
        created_at: int,
        updated_at: int,
        resource_version: int = 0,
        deleted: bool = False,
    ) -> None:
        """Insert or replace a document."""
        self.put_many(kind, [(document_id, body, created_at, updated_at, resource_version, deleted)])

    def put_many(self, kind: str, documents: Sequence[tuple[str, Mapping[str, Any], int, int, int, bool]]) -> None:
        """Insert or replace documents: id, body, created_at, updated_at, resource_version, deleted."""
        with self.transaction():
            self._db.executemany(
                """
                INSERT INTO document (kind, id, body, created_at, updated_at, resource_version, deleted)
                VALUES (?, ?, ?, ?, ?, ?, ?)
                ON CONFLICT (kind, id) DO UPDATE SET
                    body = excluded.body,
                    updated_at = excluded.updated_at,
                    resource_version = excluded.resource_version,
                    deleted = excluded.deleted
                """,
                (
                    (kind, one_id, orjson.dumps(body).decode(), created, updated, version, deleted)
                    for one_id, body, created, updated, version, deleted in documents
                ),
            )

    def find(self, kind: str, document_id: str) -> dict[str, Any] | None:
        """The document, deleted or not, or None."""
        rows = self.rows("SELECT body FROM document WHERE kind = ? AND id = ?", (kind, document_id))
        return orjson.loads(rows[0]["body"]) if rows else None

    def find_by(self, kind: str, field: str, value: Any) -> list[dict[str, Any]]:
        """Documents whose top-level field has the value, oldest first; deleted ones are left out."""
        if not field.isidentifier():
            raise ValueError(f"{field!r} is not the name of a field")
        rows = self.rows(
            # The field stands in the text, so that an index on the expression serves it.
            f"""
            SELECT body FROM document
            WHERE kind = ? AND json_extract(body, '$.{field}') = ? AND NOT deleted
            ORDER BY created_at, rowid
            """,  # noqa: S608 - an identifier, checked above
            (kind, value),
        )
        return [orjson.loads(row["body"]) for row in rows]

    def all(self, kind: str, *, limit: int = -1) -> list[dict[str, Any]]:
        """Documents of a kind that are not deleted, the last changed first."""
        rows = self.rows(
            "SELECT body FROM document WHERE kind = ? AND NOT deleted ORDER BY updated_at DESC, id DESC LIMIT ?",
            (kind, limit),
        )
        return [orjson.loads(row["body"]) for row in rows]

    def counts(self) -> dict[str, int]:
        """How many documents there are of each kind, deleted ones left out."""
        rows = self.rows("SELECT kind, count(*) AS n FROM document WHERE NOT deleted GROUP BY kind ORDER BY kind")
        return {row["kind"]: row["n"] for row in rows}

    # Counters and settings

    def next(self, counter: str, *, at_least: int = 1) -> int:
        """The next number of a counter, larger than the last and not below ``at_least``."""
        rows = self.rows(
            """
            INSERT INTO counter (name, value) VALUES (:name, :at_least)
            ON CONFLICT (name) DO UPDATE SET value = max(value + 1, :at_least)
            RETURNING value
            """,
            {"name": counter, "at_least": at_least},
        )
        return int(rows[0]["value"])

    def setting(self, name: str, default: Any = None) -> Any:
        """A setting's value."""
        rows = self.rows("SELECT value FROM setting WHERE name = ?", (name,))
        return orjson.loads(rows[0]["value"]) if rows else default

    def set(self, name: str, value: Any) -> None:
        """Keep a setting; None removes it."""
        if value is None:
            self._db.execute("DELETE FROM setting WHERE name = ?", (name,))
            return
        self._db.execute(
            "INSERT INTO setting VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            (name, orjson.dumps(value).decode()),
        )

    # What came in

    def record(self, request: Mapping[str, Any]) -> int:
        """Keep a received request: the columns of the table but ``seq``, which is returned."""
        cursor = self._db.execute(
            """
            INSERT INTO received
                (at, method, path, query, idempotency_key, traceparent, body, status, replayed, fault)
            VALUES (:at, :method, :path, :query, :idempotency_key, :traceparent, :body, :status, :replayed, :fault)
            """,
            request,
        )
        seq = cursor.lastrowid or 0
        if seq % 1000 == 0:
            self._db.execute("DELETE FROM received WHERE seq <= ?", (seq - RECEIVED_KEPT,))
        return seq

    def received(
        self, *, method: str | None = None, path: str | None = None, since: int = 0, limit: int = 1000
    ) -> list[Received]:
        """Received requests in order: of a method, with a path containing that text, after that ``seq``."""
        rows = self.rows(
            """
            SELECT * FROM received
            WHERE seq > :since
              AND (:method IS NULL OR method = :method)
              AND (:path IS NULL OR instr(path, :path) > 0)
            ORDER BY seq
            LIMIT :limit
            """,
            {"since": since, "method": method, "path": path, "limit": limit},
        )
        return [_received(row) for row in rows]

    def latest_received(self, limit: int) -> list[Received]:
        """The last received requests, the newest first."""
        return [_received(row) for row in self.rows("SELECT * FROM received ORDER BY seq DESC LIMIT ?", (limit,))]

    def forget_received(self) -> None:
        """Drop the list of received requests."""
        self._db.execute("DELETE FROM received")

    # Idempotency keys

    def kept_answer(self, key: str, method: str, path: str, *, now: float) -> KeptAnswer | None:
        """What an earlier request with this key was answered, while it is kept."""
        rows = self.rows(
            "SELECT * FROM answer WHERE key = ? AND method = ? AND path = ? AND kept_until > ?",
            (key, method, path, now),
        )
        if not rows:
            return None
        row = rows[0]
        return KeptAnswer(fingerprint=row["fingerprint"], status=row["status"], body=row["body"])

    def keep_answer(self, key: str, method: str, path: str, answer: KeptAnswer, *, until: float) -> None:
        """Remember what a request with this key was answered."""
        self._db.execute(
            "INSERT OR REPLACE INTO answer VALUES (?, ?, ?, ?, ?, ?, ?)",
            (key, method, path, answer.fingerprint, until, answer.status, answer.body),
        )


def _received(row: sqlite3.Row) -> Received:
    values = dict(row)
    return Received(**{**values, "replayed": bool(values["replayed"])})
