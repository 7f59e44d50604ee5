"""What a metadata folder may say: its parts and their shapes (Hasura v2, `version: 3`).

A part of the wrong shape can't be read at all; a member that nobody here knows of is named at start, since whatever it
asks for is not done.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from server.hasura.functions import qualified


class ShapeError(ValueError):
    """Something in the metadata is not what an export has in its place."""


@dataclass(frozen=True, slots=True)
class _Object:
    """An object with these members; a list of one shape is a list of such, None is anything."""

    members: Mapping[str, Any]
    needed: tuple[str, ...] = ()
    #: Who reads it tells of its other members.
    is_open: bool = False


@dataclass(frozen=True, slots=True)
class _Named:
    """An object whose members have names of the project's own."""

    item: Any


#: Sources that are PostgreSQL, or speak like it.
POSTGRESQL: Final = frozenset({"postgres", "citus", "cockroach", "alloydb"})
_ANYTHING: Final = dict[str, Any].fromkeys
_PERMISSION: Final = _Object({**_ANYTHING(("role", "comment")), "permission": _Object({}, is_open=True)}, ("role",))
_RELATIONSHIP: Final = _Object(
    {
        **_ANYTHING(("name", "comment")),
        "using": _Object(
            {
                "foreign_key_constraint_on": None,
                "manual_configuration": _Object(
                    {**_ANYTHING(("remote_table", "insertion_order", "source")), "column_mapping": _Named(None)},
                    ("remote_table", "column_mapping"),
                ),
            }
        ),
    },
    ("name",),
)
_TABLE: Final = _Object(
    {
        **_ANYTHING(("table", "is_enum")),
        # Told of by who reads the table.
        **_ANYTHING(("event_triggers", "remote_relationships", "apollo_federation_config", "logical_models")),
        "configuration": _Object(
            {
                **_ANYTHING(("custom_name", "comment")),
                "custom_root_fields": _Named(None),
                "custom_column_names": _Named(None),
                "column_config": _Named(_Object(_ANYTHING(("custom_name", "comment")))),
            }
        ),
        "object_relationships": [_RELATIONSHIP],
        "array_relationships": [_RELATIONSHIP],
        "computed_fields": [
            _Object(
                {
                    **_ANYTHING(("name", "comment")),
                    "definition": _Object(_ANYTHING(("function", "table_argument", "session_argument")), ("function",)),
                },
                ("name", "definition"),
            )
        ],
        **{f"{name}_permissions": [_PERMISSION] for name in ("select", "insert", "update", "delete")},
    },
    ("table",),
)
_FUNCTION: Final = _Object(
    {
        **_ANYTHING(("function", "comment")),
        "configuration": _Object(
            {
                **_ANYTHING(("custom_name", "session_argument", "exposed_as")),
                "custom_root_fields": _Object(_ANYTHING(("function", "function_aggregate"))),
            }
        ),
        "permissions": [_Object(_ANYTHING(("role",)), ("role",))],
    },
    ("function",),
)
_DATABASE: Final = _Object(
    {
        # Told of by who reads the database, but for how Hasura reaches it.
        **_ANYTHING(("name", "kind", "configuration", "customization")),
        **_ANYTHING(("logical_models", "native_queries", "stored_procedures")),
        "tables": [_TABLE],
        "functions": [_FUNCTION],
    }
)
_INHERITED_ROLE: Final = _Object({"role_name": None, "role_set": [None]}, ("role_name", "role_set"))


def unknown_members(metadata: Mapping[str, Any], known_parts: frozenset[str]) -> Iterator[tuple[str, str]]:
    """Where something stands that is not known, and its name. Raises ShapeError.

    `known_parts` are the files that are read, or told of, by name.
    """
    for part in sorted(metadata.keys() - known_parts - {"databases", "inherited_roles"}):
        yield f"{part}.yaml", part
    yield from _walk(metadata.get("inherited_roles"), [_INHERITED_ROLE], "inherited_roles.yaml")
    databases = metadata["databases"]
    if not isinstance(databases, list | None):
        raise ShapeError(f"databases.yaml: expected a list, found {_kind(databases)}")
    for database in databases or ():
        if isinstance(database, Mapping) and database.get("kind", "postgres") in POSTGRESQL:
            yield from _walk(database, _DATABASE, f"database {database.get('name')}")


def _walk(value: Any, shape: Any, where: str) -> Iterator[tuple[str, str]]:
    if shape is None or value is None:
        return
    if isinstance(shape, list):
        if not isinstance(value, list):
            raise ShapeError(f"{where}: expected a list, found {_kind(value)}")
        for index, item in enumerate(value):
            if item is None and shape[0] is not None:
                raise ShapeError(f"{where}[{index}]: expected an object, found nothing")
            yield from _walk(item, shape[0], f"{where}[{index}]")
        return
    if not isinstance(value, Mapping):
        raise ShapeError(f"{where}: expected an object, found {_kind(value)}")
    if isinstance(shape, _Named):
        for name, item in value.items():
            yield from _walk(item, shape.item, f"{where}.{name}")
        return
    missing = [name for name in shape.needed if value.get(name) is None]
    if missing:
        raise ShapeError(f"{where}: {missing[0]} is missing")
    here = _called(value, where)
    if not shape.is_open:
        yield from ((here, str(name)) for name in value if name not in shape.members)
    for name, member in shape.members.items():
        yield from _walk(value.get(name), member, f"{here}.{name}")


def _called(value: Mapping[str, Any], where: str) -> str:
    """Tables and functions by their names, which say more than their place does."""
    for kind in ("table", "function"):
        named = value.get(kind)
        if named is not None and where.endswith("]"):
            if not (isinstance(named, str) or (isinstance(named, Mapping) and isinstance(named.get("name"), str))):
                raise ShapeError(f"{where}: the {kind} has no name")
            return f"{kind} {'.'.join(qualified(named))}"
    return where


def _kind(value: Any) -> str:
    match value:
        case None:
            return "nothing"
        case bool():
            return "a boolean"
        case str():
            return "a text"
        case int() | float():
            return "a number"
        case list():
            return "a list"
        case _:
            return "an object"
