"""The SQL of this package, kept in `.sql` files and read by name."""

from functools import cache
from importlib.resources import files


@cache
def load_statement(name: str) -> str:
    """The text of `triggers/sql/{name}.sql`, for example `relay/fetch`."""
    return files("triggers").joinpath("sql", f"{name}.sql").read_text(encoding="utf-8")
