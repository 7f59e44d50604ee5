"""The SQL of hand-written operations, by the name of its file."""

from functools import cache
from pathlib import Path


@cache
def load_statement(name: str) -> str:
    """The text of `sql/{name}.sql`."""
    return (Path(__file__).parent / "sql" / f"{name}.sql").read_text(encoding="utf-8")
