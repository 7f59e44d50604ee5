"""What survives: one SQLite file in write-ahead mode, and group commit on the event loop.

Writers call `run` or `run_many`, which open a transaction when none is open, and await `committed()`. The commit comes
at the end of the loop's turn, so requests that arrive together share one. A commit writes to the operating system and
doesn't wait for the disk: killing the process at any moment loses nothing that was answered; cutting the power may lose
the last moments, and never leaves a broken file (`synchronous=NORMAL` in write-ahead mode,
https://www.sqlite.org/pragma.html#pragma_synchronous).

SQLite runs on the loop's own thread on purpose. A statement takes 2 to 300 µs; handing each to a thread would cost more
in switching than it takes, since `sqlite3` gives up the interpreter lock at every row. Only the checkpoint, which waits
for the disk, has a thread.
"""

import asyncio
import contextlib
import fcntl
import re
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from importlib import resources
from pathlib import Path
from typing import IO, Any, Final, Protocol

import structlog

from local.pubsub.errors import JournalError

_SCHEMA_VERSION: Final = 1
_PAGE_BYTES: Final = 8192
#: The write-ahead log is moved into the file when it's this long.
_CHECKPOINT_BYTES: Final = 32 * 1024 * 1024
_BUSY_TIMEOUT_S: Final = 30.0


_log = structlog.get_logger(__name__)


class Participant(Protocol):
    """Something with state to save: asked before each commit that it has enlisted for."""

    def save(self) -> None:
        """Write what changed into the open transaction."""

    def saved(self) -> None:
        """The transaction is committed."""


class Journal:
    """The file `pubsub.sqlite` in a folder, opened by one process at a time."""

    def __init__(self, folder: Path) -> None:
        """Open or create it. Raises JournalError when it's in use or not ours."""
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / "pubsub.sqlite"
        self._statements = _read_statements()
        self._lock = _lock(folder)
        try:
            self._database = _open(self.path)
        except sqlite3.Error as error:
            self._lock.close()
            raise JournalError(
                f"{self.path} can't be opened ({error}). Delete the folder {folder} to start with no topics."
            ) from error
        #: Set when a write has failed: memory and file differ from then on, so the program has to stop.
        self.broken = asyncio.Event()
        self._participants: dict[Participant, None] = {}
        self._commit: asyncio.Future[None] | None = None
        self._checkpoint: asyncio.Task[None] | None = None

    def run(self, statement: str, *values: Any) -> list[Any]:
        """Run a named statement with its values; the rows it returns. Reads see what isn't committed yet."""
        sql = self._statements[statement]
        if sql.startswith("SELECT"):
            return self._database.execute(sql, values).fetchall()
        with self._writing():
            return self._database.execute(sql, values).fetchall()

    def run_many(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run a named statement once for each row of values."""
        with self._writing():
            self._database.executemany(self._statements[statement], rows)

    def read_until(self, statement: str, values: Sequence[Any], *, size_bytes: int) -> list[Any]:
        """Rows of a named SELECT, the last column's sizes adding up to at most `size_bytes` (or just one row)."""
        rows: list[Any] = []
        size = 0
        with contextlib.closing(self._database.execute(self._statements[statement], values)) as cursor:
            for row in cursor:
                size += len(row[-1])
                if rows and size > size_bytes:
                    break
                rows.append(row)
        return rows

    def enlist(self, participant: Participant, *, soon: bool = True) -> None:
        """Let `participant` save before the next commit: at the end of this turn, or with whatever commits next."""
        self._participants[participant] = None
        if soon:
            with self._writing():
                pass

    def withdraw(self, participant: Participant) -> None:
        """Forget a participant, since it was deleted."""
        self._participants.pop(participant, None)

    async def committed(self) -> None:
        """Wait until everything written so far is safe from a crash of the process; raises what the commit raised."""
        if self._commit is not None:
            # Shielded: one caller that goes away doesn't cancel the others' commit.
            await asyncio.shield(self._commit)

    def flush(self) -> None:
        """Commit now. Raises sqlite3.Error; then nothing of the transaction is kept, and the journal is broken."""
        participants = list(self._participants)
        if participants or self._database.in_transaction:
            with self._writing():
                for participant in participants:
                    participant.save()
                self._database.execute("COMMIT")
        self._participants.clear()
        for participant in participants:
            participant.saved()
        waiting, self._commit = self._commit, None
        if waiting is not None and not waiting.done():
            waiting.set_result(None)

    def checkpoint_if_due(self) -> None:
        """Start moving the write-ahead log into the file, in a thread, when it has grown long."""
        if self._checkpoint is not None and not self._checkpoint.done():
            return
        log = self.path.with_name(f"{self.path.name}-wal")
        if log.exists() and log.stat().st_size > _CHECKPOINT_BYTES:
            self._checkpoint = asyncio.create_task(asyncio.to_thread(_checkpoint, self.path))

    async def checkpointed(self) -> None:
        """Wait until no checkpoint is under way."""
        if self._checkpoint is not None:
            await asyncio.wait([self._checkpoint], timeout=_BUSY_TIMEOUT_S)

    async def close(self) -> None:
        """Commit what is open and close the file."""
        await self.checkpointed()
        try:
            if not self.broken.is_set():
                self.flush()
        finally:
            self._database.close()
            self._lock.close()

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        """Write in the open transaction, or in a new one. When a write fails, all of the transaction has failed.

        SQLite may have undone it already (a full disk does that). Going on in another one would commit half of what the
        requests of this turn asked for, and tell all of them that it's safe.
        """
        try:
            self._begin()
            yield
        except sqlite3.Error as error:
            self.broken.set()
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")
            waiting = self._commit
            if waiting is not None and not waiting.done():
                waiting.set_exception(error)
                # Looked at here, so that a commit that nobody waits for doesn't warn; awaiting it still raises.
                waiting.exception()
            raise

    def _begin(self) -> None:
        if self.broken.is_set():
            raise sqlite3.OperationalError("an earlier write has failed")
        if self._commit is None:
            loop = asyncio.get_running_loop()
            self._commit = loop.create_future()
            loop.call_soon(self._flush_soon)
        if not self._database.in_transaction:
            self._database.execute("BEGIN IMMEDIATE")

    def _flush_soon(self) -> None:
        if self._commit is None or self._commit.done():
            return
        try:
            self.flush()
        except sqlite3.Error as error:
            # It also reaches those who await `committed()`; there's nobody to raise it to here.
            _log.error("journal.commit_failed", path=str(self.path), error=str(error))


def _open(path: Path) -> sqlite3.Connection:
    # No implicit transactions: BEGIN and COMMIT are ours.
    database = sqlite3.connect(path, isolation_level=None, timeout=_BUSY_TIMEOUT_S, cached_statements=128)
    try:
        database.execute(f"PRAGMA page_size = {_PAGE_BYTES}")
        database.execute("PRAGMA auto_vacuum = INCREMENTAL")
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = NORMAL")
        database.execute("PRAGMA wal_autocheckpoint = 0")
        database.execute("PRAGMA foreign_keys = ON")
        if _version(database) == 0:
            database.executescript(f"BEGIN; {_read_sql('schema.sql')} PRAGMA user_version = {_SCHEMA_VERSION}; COMMIT;")
        _check_version(database)
        # What was trimmed during earlier runs goes back to the file system.
        database.execute("PRAGMA incremental_vacuum").fetchall()
    except BaseException:
        database.close()
        raise
    return database


def _version(database: sqlite3.Connection) -> int:
    return int(database.execute("PRAGMA user_version").fetchone()[0])


def _check_version(database: sqlite3.Connection) -> None:
    version = _version(database)
    if version != _SCHEMA_VERSION:
        raise sqlite3.DatabaseError(f"its format is {version}, this program's is {_SCHEMA_VERSION}")


def _checkpoint(path: Path) -> None:
    try:
        with contextlib.closing(sqlite3.connect(path, timeout=_BUSY_TIMEOUT_S)) as database:
            # The long part runs beside the writer; the second has what was written meanwhile, and holds it up briefly.
            database.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    except sqlite3.Error as error:
        # The log stays long and the next attempt comes soon.
        _log.warning("journal.checkpoint_failed", path=str(path), error=str(error))


def _lock(folder: Path) -> IO[str]:
    file = (folder / "lock").open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        raise JournalError(
            f"Another Pub/Sub is using {folder}. Stop it, or set CAREGRAPH_HOME to another folder."
        ) from error
    return file


def _read_sql(name: str) -> str:
    return resources.files(__package__).joinpath("sql", name).read_text()


def _read_statements() -> dict[str, str]:
    _, *parts = re.split(r"^-- name: (\w+)\n", _read_sql("statements.sql"), flags=re.MULTILINE)
    # A comment on the next statement stands at the end of a part.
    return {
        name: re.sub(r"^--.*\n?", "", text, flags=re.MULTILINE).strip()
        for name, text in zip(parts[::2], parts[1::2], strict=True)
    }
