"""Metadata applied to a reflected database: what is tracked, how it is called and related, and who may do what."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from permissions.model import ALL, Columns, Delete, Insert, Select, TablePermissions, Update
from permissions.view import ADMIN
from schema.catalogue import Catalogue, Column, Function, Relationship, Table, TableKey, graphql_table_name
from schema.graphql.names import common_names, table_names
from schema.naming import is_graphql_name
from schema.view import ROOT_FIELDS
from server.hasura.enum_tables import EnumRows, with_choices
from server.hasura.enum_tables import find_flaw as enum_flaw
from server.hasura.flaws import find_flaw
from server.hasura.functions import computed_fields, qualified, root_functions
from server.hasura.relationships import relationship_from_metadata
from server.hasura.roots import root_names, told_apart
from server.hasura.shape import POSTGRESQL, unknown_members

#: Parts of a metadata folder that mean something we don't do, with what is lost.
_NOT_HONOURED: Final[Mapping[str, str]] = {
    "actions": "actions are not served",
    "remote_schemas": "remote schemas are not stitched in",
    "rest_endpoints": "REST endpoints are not served",
    "cron_triggers": "cron triggers are not run",
    "opentelemetry": "tracing is configured by OTEL_EXPORTER_OTLP_ENDPOINT",
    "metrics_config": "metrics are at /metrics",
    "backend_configs": "backend configurations do not apply",
    "api_limits": "limits are set by CAREGRAPH_LIMITS",
    "allow_list": "allow-lists are set by CAREGRAPH_ALLOW_LIST",
    "query_collections": "query collections are not read",
    "graphql_schema_introspection": "introspection is switched off by CAREGRAPH_LIMITS",
    "network": "network settings do not apply",
}
_KNOWN_PARTS: Final = frozenset(_NOT_HONOURED)
_SOURCE_PARTS: Final[Mapping[str, str]] = {
    "customization": "names are not customised as a whole",
    "logical_models": "logical models are not served",
    "native_queries": "native queries are not served",
    "stored_procedures": "stored procedures are not served",
}
#: What a permission may hold, by operation.
_PERMISSION_PARTS: Final[Mapping[str, frozenset[str]]] = {
    "select": frozenset(
        {"columns", "filter", "limit", "allow_aggregations", "computed_fields"}
        | {"query_root_fields", "subscription_root_fields"}
    ),
    "insert": frozenset({"columns", "check", "set", "backend_only", "validate_input"}),
    "update": frozenset({"columns", "filter", "check", "set", "backend_only", "validate_input"}),
    "delete": frozenset({"filter", "backend_only", "validate_input"}),
}
#: What a select permission may name the fields of roots by.
_ROOT_FIELDS: Final = {
    "query_root_fields": frozenset(ROOT_FIELDS) - {"select_stream"},
    "subscription_root_fields": frozenset(ROOT_FIELDS),
}
#: A customization that changes nothing.
_USUAL_NAMES: Final = {"naming_convention": "hasura-default"}
_TABLE_PARTS: Final[Mapping[str, str]] = {
    "event_triggers": "event triggers are not installed",
    "remote_relationships": "remote relationships are not followed",
    "apollo_federation_config": "the table takes no part in federation",
    "logical_models": "logical models are not served",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something in the metadata that is not honoured, or names what does not exist."""

    where: str
    what: str

    def __str__(self) -> str:
        """One line for the operator."""
        return f"{self.where}: {self.what}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """What is to be served, in the engine's terms."""

    catalogue: Catalogue
    rules: Mapping[str, Mapping[TableKey, TablePermissions]]
    inherited_roles: Mapping[str, Sequence[str]]
    function_roles: Mapping[str, frozenset[str]]
    problems: tuple[Problem, ...]


@dataclass(slots=True)
class _Reading:
    """What has been read so far."""

    reflected: Catalogue
    functions: Mapping[str, Function]
    problems: list[Problem] = field(default_factory=list)
    rules: dict[str, dict[TableKey, TablePermissions]] = field(default_factory=dict)

    def problem(self, where: str, what: str) -> None:
        self.problems.append(Problem(where=where, what=what))


def schemas_in(metadata: Mapping[str, Any]) -> list[str]:
    """The PostgreSQL schemas that the metadata names: what has to be reflected."""
    source = _source(metadata)
    named = [qualified(item["table"])[0] for item in source.get("tables") or ()]
    named += [qualified(item["function"])[0] for item in source.get("functions") or ()]
    for item in source.get("tables") or ():
        for computed in item.get("computed_fields") or ():
            named.append(qualified(computed["definition"]["function"])[0])
    return sorted({*named, "public"})


def enum_tables_in(metadata: Mapping[str, Any], reflected: Catalogue) -> list[Table]:
    """The tables whose rows are the values of an enum."""
    marked = (item for item in _source(metadata).get("tables") or () if item.get("is_enum"))
    keys = [".".join(qualified(item["table"])) for item in marked]
    return [reflected[key] for key in keys if key in reflected.tables]


def apply_metadata(
    metadata: Mapping[str, Any],
    reflected: Catalogue,
    functions: Mapping[str, Function],
    enum_rows: EnumRows | None = None,
) -> Served:
    """The catalogue and rules that the metadata describes. Pure; what it can't honour is in `problems`.

    `enum_rows` are the rows of enum tables.
    """
    reading = _Reading(reflected, functions)
    _name_what_is_not_done(reading, metadata)
    source = _source(metadata)
    for part, loss in _SOURCE_PARTS.items():
        if not _is_empty(source.get(part)) and source[part] != _USUAL_NAMES:
            reading.problem(f"database {source.get('name')}, {part}", loss)
    others = [item for item in metadata["databases"] if item is not source]
    if any(item.get("kind", "postgres") in POSTGRESQL for item in others):
        reading.problem("databases.yaml", f"only the first database ({source.get('name')}) is served")
    for item in others:
        if item.get("kind", "postgres") not in POSTGRESQL:
            reading.problem(f"database {item.get('name')}", f"its kind is {item['kind']}: only PostgreSQL is served")
    tracked: dict[TableKey, Mapping[str, Any]] = {}
    for item in source.get("tables") or ():
        key = ".".join(qualified(item["table"]))
        if key not in reflected.tables:
            reading.problem(f"table {key}", "it does not exist in the database")
        elif key in tracked:
            reading.problem(f"table {key}", "it is tracked twice; the first counts")
        else:
            tracked[key] = item
    described = {key: _table(reading, reflected[key], item, tracked) for key, item in tracked.items()}
    named, fields = told_apart(_named(reading, described), reading.problem)
    tables = with_choices(named, reflected, _enums(reading, metadata, enum_rows or {}))
    for key, table in tables.items():
        _permissions(reading, Catalogue(tables=tables), table, tracked[key])
    roots, function_roles = root_functions(source.get("functions") or (), functions, tables, fields, reading.problem)
    return Served(
        catalogue=Catalogue(tables=tables, functions=roots),
        rules=reading.rules,
        inherited_roles=_inherited_roles(reading, metadata.get("inherited_roles") or ()),
        function_roles=function_roles,
        problems=tuple(reading.problems),
    )


def _name_what_is_not_done(reading: _Reading, metadata: Mapping[str, Any]) -> None:
    for where, name in unknown_members(metadata, _KNOWN_PARTS):
        reading.problem(where, f"{name} is nothing that is known here, so it is not honoured")
    for part, loss in _NOT_HONOURED.items():
        if not _is_empty(metadata.get(part)) and not _is_switched_off(metadata[part]):
            reading.problem(f"{part}.yaml", loss)


def _enums(reading: _Reading, metadata: Mapping[str, Any], rows: EnumRows) -> EnumRows:
    """The enum tables that are enums."""
    found = {}
    for table in enum_tables_in(metadata, reading.reflected):
        flaw = enum_flaw(table, rows)
        if flaw is None:
            found[table.key] = rows[table.key]
        else:
            what = f"{flaw}, so it is no enum: columns that refer to it stay text"
            reading.problem(f"table {table.key}, is_enum", what)
    return found


def _is_empty(part: Any) -> bool:
    """Whether an export says nothing: `{"actions": [], "custom_types": {"enums": []}}` is no more than nothing."""
    return all(map(_is_empty, part.values())) if isinstance(part, dict) else not part


def _is_switched_off(part: Any) -> bool:
    """Whether a part says of itself that it does nothing (`api_limits`)."""
    return isinstance(part, dict) and part.get("disabled") is True


def _source(metadata: Mapping[str, Any]) -> Mapping[str, Any]:
    """The database that is served."""
    databases: Sequence[Mapping[str, Any]] = metadata["databases"] or ()
    return next((item for item in databases if item.get("kind", "postgres") in POSTGRESQL), {})


def _inherited_roles(reading: _Reading, items: Iterable[Mapping[str, Any]]) -> dict[str, list[str]]:
    """The roles with the roles that they inherit from, without those that inherit from themselves."""
    found: dict[str, list[str]] = {}
    for item in items:
        role = item["role_name"]
        if role in found:
            reading.problem(f"inherited role {role}", "it is there twice; the first counts")
        elif role == ADMIN:
            reading.problem(f"inherited role {role}", "admin may do everything and inherits nothing")
        else:
            if ADMIN in item["role_set"]:
                reading.problem(f"inherited role {role}", "nothing is inherited from admin")
            found[role] = [parent for parent in item["role_set"] if parent != ADMIN]
    for role in [role for role in found if role in _ancestors(found, role)]:
        reading.problem(f"inherited role {role}", "it inherits from itself, so it has no permissions by its parents")
        del found[role]
    return found


def _ancestors(parents: Mapping[str, Sequence[str]], role: str) -> set[str]:
    found: set[str] = set()
    pending = [*parents.get(role, ())]
    while pending:
        parent = pending.pop()
        if parent not in found:
            found.add(parent)
            pending += parents.get(parent, ())
    return found


# Tables


def _table(reading: _Reading, table: Table, item: Mapping[str, Any], tracked: Mapping[str, Any]) -> Table:
    where = f"table {table.key}"
    for part, loss in _TABLE_PARTS.items():
        if item.get(part):
            reading.problem(where, loss)
    configuration = item.get("configuration") or {}
    described = configuration.get("column_config") or {}
    renamed = {
        **{name: spec["custom_name"] for name, spec in described.items() if spec.get("custom_name")},
        **(configuration.get("custom_column_names") or {}),
    }
    columns = _columns_named(reading, table, renamed)
    columns = {
        name: replace(column, comment=_comment(described.get(name) or {}, column.comment))
        for name, column in columns.items()
    }
    taken = {column.graphql_name for column in columns.values()}
    relationships: dict[str, Relationship] = {}
    for kind in ("object", "array"):
        for spec in item.get(f"{kind}_relationships") or ():
            found = relationship_from_metadata(reading.reflected, table, spec, is_object=kind == "object")
            here = f"{where}, relationship {spec.get('name')}"
            if isinstance(found, str):
                reading.problem(here, found)
            elif found.target not in tracked:
                reading.problem(here, f"{found.target} is not tracked")
            elif not is_graphql_name(found.name):
                reading.problem(here, "GraphQL can't spell its name")
            elif found.name in taken:
                reading.problem(here, f"{found.name} is a field of the table already")
            else:
                relationships[found.name] = found
                taken.add(found.name)
    specs = []
    for spec in item.get("computed_fields") or ():
        if spec["name"] in taken:
            reading.problem(f"{where}, computed field {spec['name']}", f"{spec['name']} is a field already")
        else:
            specs.append(spec)
    return replace(
        table,
        graphql_name=configuration.get("custom_name") or graphql_table_name(table.schema, table.name),
        columns=columns,
        relationships=relationships,
        computed_fields=computed_fields(table, specs, reading.functions, tracked.keys(), reading.problem),
        comment=_comment(configuration, table.comment),
        root_names=root_names(configuration.get("custom_root_fields") or {}),
    )


def _columns_named(reading: _Reading, table: Table, renamed: Mapping[str, str]) -> dict[str, Column]:
    """The columns by their names in the database, with those that clients call them by."""
    where = f"table {table.key}"
    for name in renamed.keys() - table.columns.keys():
        reading.problem(f"{where}, column {name}", "it does not exist, so it has no custom_name")
    names = {name: renamed.get(name, name) for name in table.columns}
    # Whatever is not renamed keeps its name.
    owners = {name: name for name in table.columns if names[name] == name}
    for name, called in names.items():
        if owners.setdefault(called, name) != name:
            names[name] = ""
            reading.problem(f"{where}, column {name}", f"{called!r} is what {owners[called]} is called already")
        elif not is_graphql_name(called):
            reading.problem(f"{where}, column {name}", "GraphQL can't spell its name: give it a custom_name")
    return {name: replace(column, graphql_name=names[name]) for name, column in table.columns.items()}


def _comment(spec: Mapping[str, Any], own: str | None) -> str | None:
    """What the metadata says, else the database's own; an empty text says that there is none."""
    given = spec.get("comment")
    return own if given is None else str(given) or None


def _named(reading: _Reading, tables: Mapping[TableKey, Table]) -> dict[TableKey, Table]:
    """The tables that GraphQL has names for, without relationships to the others."""
    found: dict[TableKey, Table] = {}
    common = common_names(column for table in tables.values() for column in table.columns.values())
    owners = dict.fromkeys(common, "GraphQL")
    for key, table in tables.items():
        name = table.graphql_name
        names = table_names(name)
        clash = name if name in owners else min(names & owners.keys(), default=None)
        if not is_graphql_name(name):
            reading.problem(f"table {key}", f"GraphQL can't spell {name!r}: give it a custom_name")
        elif clash is not None:
            reading.problem(f"table {key}", f"{clash!r} is a name of {owners[clash]} already: give it a custom_name")
        else:
            found[key] = table
            owners |= dict.fromkeys(names, key)
    return {
        key: replace(
            table, relationships={name: item for name, item in table.relationships.items() if item.target in found}
        )
        for key, table in found.items()
    }


# Permissions


def _permissions(reading: _Reading, catalogue: Catalogue, table: Table, item: Mapping[str, Any]) -> None:
    granted: dict[str, dict[str, Any]] = {}
    for operation in ("select", "insert", "update", "delete"):
        entries = item.get(f"{operation}_permissions") or ()
        counted = Counter(entry["role"] for entry in entries)
        for entry in entries:
            flaw = _shape_flaw(operation, entry)
            if counted[entry["role"]] > 1:
                flaw = "it is there several times"
            where = f"table {table.key}, {operation} permission of role {entry['role']}"
            if flaw is not None:
                reading.problem(where, f"{flaw}, so the permission is not granted")
                continue
            rule = _rule(reading, table, operation, entry)
            if rule is None:
                continue
            flaw = find_flaw(catalogue, table, rule)
            if flaw is not None:
                reading.problem(where, f"{flaw}, so the permission is not granted")
            else:
                granted.setdefault(entry["role"], {})[operation] = rule
    for role, operations in granted.items():
        reading.rules.setdefault(role, {})[table.key] = TablePermissions(**operations)


def _shape_flaw(operation: str, entry: Mapping[str, Any]) -> str | None:
    """What can't be understood of a permission. What is left out of one must not make it wider."""
    spec = entry.get("permission") or {}
    needed = "check" if operation == "insert" else "filter"
    limit = spec.get("limit")
    if entry["role"] == ADMIN:
        return "admin may do everything"
    if not isinstance(spec.get(needed), Mapping):
        return f"it has no {needed}"
    unknown = sorted(spec.keys() - _PERMISSION_PARTS[operation])
    if unknown:
        return f"it has {', '.join(unknown)}, which nobody here knows"
    if "columns" in spec and not (isinstance(spec["columns"], list) or spec["columns"] == "*"):
        return "its columns are no list"
    if limit is not None and (type(limit) is not int or limit < 0):
        return f"its limit is {limit!r}"
    return None


def _rule(
    reading: _Reading, table: Table, operation: str, entry: Mapping[str, Any]
) -> Select | Insert | Update | Delete | None:
    spec = entry.get("permission") or {}
    where = f"table {table.key}, {operation} permission of role {entry['role']}"
    if spec.get("backend_only"):
        reading.problem(where, "backend_only permissions are not granted")
        return None
    if spec.get("validate_input") is not None:
        reading.problem(where, "validate_input is not honoured, so the permission is not granted")
        return None
    for name, known in _ROOT_FIELDS.items():
        if spec.get(name) is not None and not known.issuperset(_names(spec[name])):
            reading.problem(where, f"{name} knows {', '.join(sorted(known))} only, so the permission is not granted")
            return None
    missing = [name for name in _names(spec.get("columns")) if name not in table.columns]
    if missing:
        reading.problem(where, f"there is no column {', '.join(missing)}")
    columns = _columns(spec.get("columns"), table)
    match operation:
        case "select":
            named = list(spec.get("computed_fields") or ())
            unknown = [name for name in named if name not in table.computed_fields]
            if unknown:
                reading.problem(where, f"there is no computed field {', '.join(unknown)}")
            computed = tuple(name for name in named if name in table.computed_fields)
            return Select(
                columns=columns,
                filter=spec.get("filter") or {},
                limit=spec.get("limit"),
                aggregate=bool(spec.get("allow_aggregations")),
                computed_fields=computed,
                query_fields=_root_fields(spec, "query_root_fields"),
                subscription_fields=_root_fields(spec, "subscription_root_fields"),
            )
        case "insert":
            # Hasura takes a permission without columns for one with all of them.
            columns = ALL if "columns" not in spec else columns
            return Insert(columns=columns, check=spec.get("check") or {}, presets=spec.get("set") or {})
        case "update":
            return Update(
                columns=columns,
                filter=spec.get("filter") or {},
                check=spec.get("check"),
                presets=spec.get("set") or {},
            )
        case _:
            return Delete(filter=spec.get("filter") or {})


def _root_fields(spec: Mapping[str, Any], name: str) -> frozenset[str] | None:
    return None if spec.get(name) is None else frozenset(_names(spec[name]))


def _names(columns: Any) -> list[str]:
    return list(columns) if isinstance(columns, list) else []


def _columns(columns: Any, table: Table) -> Columns:
    if columns == "*":
        return ALL
    return tuple(name for name in _names(columns) if name in table.columns)
