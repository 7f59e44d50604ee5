"""A role's schema without a server, and as SDL.

`python -m server.sdl FOLDER` writes the SDL of every role into the folder, a file a role. Those in `docs/schema` are
what clients generate their types from, so that a change of the contract is seen in review.
"""

import copy
import sys
from collections.abc import Mapping
from pathlib import Path

from graphql import print_schema

from permissions.parts import part_view
from permissions.rules import DIVISIONS, RULES
from permissions.view import ADMIN, role_view
from resolvers.role_schema import RoleSchema, fields_of
from server.source import platform_source


def roles() -> tuple[str, ...]:
    """Everyone who has a schema, by name."""
    return tuple(sorted([ADMIN, *RULES]))


def agents_of(role: str) -> tuple[str, ...]:
    """Who has a part of a divided role, by name; nobody has one of the others."""
    division = DIVISIONS.get(role)
    return tuple(sorted(division.own)) if division is not None else ()


def role_schema(role: str, agent: str | None = None) -> RoleSchema:
    """The schema that the API gives `role`: of a divided role an agent's part, or the whole."""
    source = platform_source()
    part = None if agent is None else source.divisions[role].part(agent)
    view = (
        role_view(source.catalogue, source.rules, role)
        if part is None
        else part_view(source.catalogue, source.rules, role, part)
    )
    return RoleSchema(view, fields_of(part, source.hand_written), source.scalar_map)


def render_sdl(role: str, agent: str | None = None) -> str:
    """The SDL of `role_schema`, its types sorted by name. Ends with a line break."""
    schema = copy.copy(role_schema(role, agent).graphql_schema)
    # In the order they are reached, one new column would move half of them.
    schema.type_map = dict(sorted(schema.type_map.items()))
    return print_schema(schema) + "\n"


def render_all() -> Mapping[str, str]:
    """The SDL of every role by the file's name."""
    return {f"{role}.graphql": render_sdl(role) for role in roles()}


def write_files(folder: Path) -> None:
    """Write the SDL of every role; remove files of roles that are no more."""
    files = render_all()
    folder.mkdir(parents=True, exist_ok=True)
    for stale in folder.glob("*.graphql"):
        if stale.name not in files:
            stale.unlink()
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write_files(Path(sys.argv[1]))
