"""The search for what is left of a person on a running platform: database, stand-ins, Pub/Sub, Cloud Tasks, logs."""

import asyncio
import sqlite3
from collections.abc import Iterable
from pathlib import Path

import asyncpg

from schema.tables import base_tables
from tests.e2e.platform import RunningPlatform

#: What a stand-in notes for whoever tests with it; no outside system's store.
_NOTES_OF_STANDINS = frozenset({"received"})


def places_that_name(platform: RunningPlatform, texts: Iterable[str]) -> set[str]:
    """Where one of the texts stands: `schema.table`, `folder.table` of a stand-in's file, or `logs/FILE`."""
    wanted = [text.lower() for text in texts]
    return (
        asyncio.run(_in_database(platform.database_url, wanted))
        | _in_files(platform.layout.home, wanted)
        | _in_logs(platform.layout.home / "logs", wanted)
    )


async def _in_database(url: str, wanted: list[str]) -> set[str]:
    found: set[str] = set()
    connection = await asyncpg.connect(url)
    try:
        for table in base_tables():
            name = table.fullname if "." in table.fullname else f"public.{table.name}"
            is_there = await connection.fetchval(
                f"SELECT EXISTS (SELECT FROM {name} AS t WHERE EXISTS ("  # noqa: S608 -- the tables' own names
                " SELECT FROM unnest($1::text[]) AS x WHERE position(x IN lower(to_jsonb(t)::text)) > 0))",
                wanted,
            )
            if is_there:
                found.add(name)
    finally:
        await connection.close()
    return found


def _in_files(home: Path, wanted: list[str]) -> set[str]:
    found: set[str] = set()
    for file in home.rglob("*.sqlite*"):
        if file.suffix not in (".sqlite", ".sqlite3"):
            continue
        with sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=10) as database:
            names = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            for name in names:
                if name in _NOTES_OF_STANDINS:
                    continue
                columns = [row[1] for row in database.execute(f"PRAGMA table_info({name})")]
                for row in database.execute(f"SELECT * FROM {name}"):  # noqa: S608 -- the file's own names
                    text = "\x00".join(_text(value) for value in row).lower()
                    if any(one in text for one in wanted):
                        kind = row[columns.index("kind")] if name == "document" else name
                        found.add(f"{file.parent.name}.{kind}")
    return found


def _in_logs(folder: Path, wanted: list[str]) -> set[str]:
    found: set[str] = set()
    for file in folder.iterdir():
        text = file.read_text(errors="replace").lower() if file.is_file() else ""
        if any(one in text for one in wanted):
            found.add(f"logs/{file.name}")
    return found


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
