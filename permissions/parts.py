"""A role of which each caller has a part: agents share role `service`, and each may do what it is there for.

The role's rules stay the only place for rows and columns. A part says which of their operations are left to a caller,
and which operations that are no table's; what it doesn't name isn't in that caller's schema. Whoever has no part of
their own has what all have in common.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from permissions.model import Rules, Select, TablePermissions
from permissions.session import Session
from permissions.view import RuleError, role_view
from schema.catalogue import Catalogue, TableKey
from schema.view import RoleView


class Operation(StrEnum):
    """What may be done with a table."""

    #: Its rows are seen where others lead to them, in conditions, and in the answers of what is written. That goes
    #: with each of the three below.
    RELATED = "related"
    #: The list and its pages; one row by its key; aggregates and groups.
    SELECT = "select"
    SELECT_BY_PK = "select_by_pk"
    SELECT_AGGREGATE = "select_aggregate"
    INSERT = "insert"
    #: Also of what an insert finds there already (`update_columns`).
    UPDATE = "update"
    DELETE = "delete"


#: Those that need the role's select permission, and those of them that are fields of the query root.
_READING: Final = frozenset({Operation.RELATED, Operation.SELECT, Operation.SELECT_BY_PK, Operation.SELECT_AGGREGATE})
_QUERIES: Final = _READING - {Operation.RELATED}

Operations = frozenset[Operation]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What one caller may do of all that the role may."""

    #: Tables that aren't here do not exist for the caller.
    tables: Mapping[TableKey, Operations] = field(default_factory=dict)
    #: Root fields that are no table's, by name: hand-written operations and functions.
    fields: frozenset[str] = frozenset()
    #: Types of events that it publishes (`publish_event`).
    events: frozenset[str] = frozenset()

    def with_common(self, common: "Part") -> "Part":
        """What is left to a caller who has this and what is common to the role's callers."""
        keys = [*common.tables, *(key for key in self.tables if key not in common.tables)]
        nothing: Operations = frozenset()
        return Part(
            tables={key: common.tables.get(key, nothing) | self.tables.get(key, nothing) for key in keys},
            fields=common.fields | self.fields,
            events=common.events | self.events,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Division:
    """Who has which part of a role."""

    #: What every caller has.
    common: Part
    #: What each has besides, by name (`x-hasura-user-id`).
    own: Mapping[str, Part]

    def name_of(self, session: Session) -> str | None:
        """The name of the part that a session has: empty for what is common, None for the whole role.

        The whole role is for who has the admin secret, which opens everything anyway, and names nobody.
        """
        if session.user_id in self.own:
            return session.user_id
        return None if session.has_admin_secret else ""

    def part(self, name: str) -> Part:
        """The whole of what the caller of that name may do; what is common, when nobody has the name."""
        return self.own.get(name, Part()).with_common(self.common)


#: Role → its division. Others aren't divided.
Divisions = Mapping[str, Division]


def part_view(
    catalogue: Catalogue,
    rules: Rules,
    role: str,
    part: Part,
    function_roles: Mapping[str, frozenset[str]] | None = None,
) -> RoleView:
    """What is left of `permissions.view.role_view` for a caller who has `part` of the role.

    Raises RuleError for a part that holds more than the role has.
    """
    narrowed = {role: {key: _narrowed(rules, role, key, operations) for key, operations in part.tables.items()}}
    view = role_view(catalogue, narrowed, role, function_roles)
    functions = tuple(function for function in view.functions if function.graphql_name in part.fields)
    return replace(view, functions=functions)


def operations_of(granted: TablePermissions) -> Operations:
    """All that the role itself may do with a table."""
    select = granted.select
    allowed = {
        Operation.RELATED: select is not None,
        Operation.SELECT: select is not None,
        Operation.SELECT_BY_PK: select is not None,
        Operation.SELECT_AGGREGATE: select is not None and select.aggregate,
        Operation.INSERT: granted.insert is not None,
        Operation.UPDATE: granted.update is not None,
        Operation.DELETE: granted.delete is not None,
    }
    return frozenset(operation for operation, is_allowed in allowed.items() if is_allowed)


def _narrowed(rules: Rules, role: str, key: TableKey, operations: Operations) -> TablePermissions:
    granted = rules.get(role, {}).get(key, TablePermissions())
    if missing := operations - operations_of(granted):
        named = ", ".join(sorted(missing))
        raise RuleError(f"a part of role {role} has operations on {key} that the role itself lacks: {named}")
    return TablePermissions(
        select=_narrowed_select(granted.select, operations) if granted.select and operations & _READING else None,
        insert=granted.insert if Operation.INSERT in operations else None,
        update=granted.update if Operation.UPDATE in operations else None,
        delete=granted.delete if Operation.DELETE in operations else None,
    )


def _narrowed_select(select: Select, operations: Operations) -> Select:
    queries = frozenset(operation.value for operation in operations & _QUERIES)
    return replace(
        select,
        aggregate=Operation.SELECT_AGGREGATE in operations,
        query_fields=queries if select.query_fields is None else queries & select.query_fields,
        # Agents hear of changes by events.
        subscription_fields=frozenset(),
    )
