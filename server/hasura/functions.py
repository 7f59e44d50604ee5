"""Functions as metadata tracks them: root fields, and fields that are computed from a row."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from schema.catalogue import ComputedField, Function, Table, TableKey
from schema.naming import is_graphql_name
from schema.types import JSON_TYPES

#: Says where something is that can't be honoured, and what.
Problem = Callable[[str, str], None]

#: Results that are no values (PostgreSQL, 8.21).
_NO_VALUES: Final = frozenset({"void", "record", "trigger", "event_trigger", "cstring", "internal"})


def qualified(spec: Any) -> tuple[str, str]:
    """Schema and name of a table or function, which metadata may give as a name alone."""
    return ("public", spec) if isinstance(spec, str) else (spec.get("schema", "public"), spec["name"])


def computed_fields(
    table: Table,
    specs: Iterable[Mapping[str, Any]],
    functions: Mapping[str, Function],
    tracked: Collection[TableKey],
    problem: Problem,
) -> dict[str, ComputedField]:
    """The table's computed fields that can be served."""
    found: dict[str, ComputedField] = {}
    for spec in specs:
        name, definition = spec["name"], spec["definition"]
        key = ".".join(qualified(definition["function"]))
        where = f"table {table.key}, computed field {name}"
        function = functions.get(key)
        if function is None:
            problem(where, f"there is no function {key} (or several of that name)")
            continue
        function = replace(function, session_argument=definition.get("session_argument"))
        row = definition.get("table_argument") or next(
            (item.name for item in function.arguments if _takes_row(function, item.name, table)), None
        )
        flaw = None
        if row is None or not _takes_row(function, row, table):
            flaw = f"{key} has no argument {f'{row} ' if row else ''}that takes a row of {table.key}"
        elif not is_graphql_name(name):
            flaw = "GraphQL can't spell its name"
        elif name in found:
            flaw = "another computed field has its name"
        elif function.returns is None:
            scalar = function.returns_scalar
            if function.returns_set or scalar is None or scalar.name in _NO_VALUES or scalar.name.startswith("any"):
                flaw = f"{key} returns neither one value nor rows of a table"
        elif function.returns not in tracked:
            flaw = f"{function.returns}, which {key} returns, is no tracked table"
        flaw = flaw or _arguments_flaw(function, row)
        if flaw is not None:
            problem(where, flaw)
            continue
        assert row is not None
        found[name] = ComputedField(name=name, function=function, row_argument=row, comment=spec.get("comment") or None)
    return found


def root_functions(
    specs: Iterable[Mapping[str, Any]],
    functions: Mapping[str, Function],
    tables: Collection[TableKey],
    taken: Collection[str],
    problem: Problem,
) -> tuple[dict[str, Function], dict[str, frozenset[str]]]:
    """The functions that are root fields, and who may call which. Names in `taken` are other fields' already."""
    found: dict[str, Function] = {}
    roles: dict[str, frozenset[str]] = {}
    owned = set(taken)
    for spec in specs:
        key = ".".join(qualified(spec["function"]))
        where = f"function {key}"
        if key not in functions:
            problem(where, "it does not exist (or several of that name do)")
            continue
        function = _root_function(functions[key], spec)
        names = {function.graphql_name, function.aggregate_name or f"{function.graphql_name}_aggregate"}
        unspelt = sorted(name for name in names if not is_graphql_name(name))
        clash = sorted(names & owned)
        flaw: str | None
        if key in found:
            flaw = "it is tracked twice; the first counts"
        elif function.returns not in tables:
            flaw = "it does not return rows of a tracked table"
        elif unspelt:
            flaw = f"GraphQL can't spell {unspelt[0]!r}: give it a custom_name"
        elif clash:
            flaw = f"{clash[0]!r} is a field already: give it a custom_name"
        else:
            flaw = _arguments_flaw(function)
        if flaw is not None:
            problem(where, flaw)
            continue
        owned |= names
        found[key] = function
        if spec.get("permissions"):
            roles[key] = frozenset(item["role"] for item in spec["permissions"])
    return found, roles


def _root_function(function: Function, spec: Mapping[str, Any]) -> Function:
    configuration = spec.get("configuration") or {}
    fields = configuration.get("custom_root_fields") or {}
    exposed = configuration.get("exposed_as")
    comment = spec.get("comment")
    return replace(
        function,
        graphql_name=fields.get("function") or configuration.get("custom_name") or function.graphql_name,
        aggregate_name=fields.get("function_aggregate"),
        session_argument=configuration.get("session_argument"),
        volatile=exposed == "mutation" if exposed else function.volatile,
        # An empty text says that there is none.
        comment=function.comment if comment is None else str(comment) or None,
    )


def _takes_row(function: Function, name: str, table: Table) -> bool:
    types = (item.type for item in function.arguments if item.name == name)
    return any(item.name == table.name and item.schema == table.schema and not item.is_array for item in types)


def _arguments_flaw(function: Function, row: str | None = None) -> str | None:
    """What is wrong with the function's parameters, the one that takes the session first: nobody else may fill it."""
    session = function.session_argument
    if session is not None:
        types = [item.type for item in function.arguments if item.name == session]
        if not types or types[0].name not in JSON_TYPES or types[0].is_array:
            return f"{function.key} has no argument {session} of type json, which would take the session"
    unspelt = [item.name for item in function.client_arguments(row) if not is_graphql_name(item.name)]
    return f"GraphQL can't spell its argument {unspelt[0]!r}" if unspelt else None
