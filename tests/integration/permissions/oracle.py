"""Who may see which rows, said a second time: in SQL, by hand, from the description of the platform.

`oracle/<role>.sql` has a statement for every table that the role sees, after a comment that names the table; what
stands under `always` are common table expressions for all of them, and `:me` is the person (or agent). A table without
a statement is one of which the role sees nothing at all.
"""

import re
from functools import cache
from pathlib import Path

from schema.catalogue import TableKey

_FOLDER = Path(__file__).with_name("oracle")
_SECTION = re.compile(r"^-- ([a-z_]+\.[a-z_]+|always)(?::.*)?$", re.MULTILINE)

ROLES = tuple(sorted(file.stem for file in _FOLDER.glob("*.sql")))


@cache
def _sections(role: str) -> dict[str, str]:
    _, *parts = _SECTION.split((_FOLDER / f"{role}.sql").read_text(encoding="utf-8"))
    return dict(zip(parts[::2], (part.strip() for part in parts[1::2]), strict=True))


def visible_tables(role: str) -> tuple[TableKey, ...]:
    """The tables of which the role sees anything."""
    return tuple(name for name in _sections(role) if name != "always")


def visible_rows(role: str, table: TableKey, me: object) -> str:
    """A SELECT of the primary keys of the table's rows that somebody may see."""
    sections = _sections(role)
    always = sections.get("always")
    statement = f"WITH {always}\n{sections[table]}" if always else sections[table]
    return statement.replace(":me", "'" + str(me).replace("'", "''") + "'")


def cells() -> list[tuple[str, TableKey]]:
    """Every role with every table that it sees."""
    return [(role, table) for role in ROLES for table in visible_tables(role)]
