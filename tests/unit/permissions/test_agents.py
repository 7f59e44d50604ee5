"""Each agent may do what its program does, and nothing else."""

import dataclasses
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import pytest
from graphql import GraphQLSchema, parse, validate

from agents.registry import AGENTS as REGISTRY
from permissions.model import Delete
from permissions.parts import Operation, Part, part_view
from permissions.rules import RULES
from permissions.rules.agents import AGENTS
from permissions.session import Session
from permissions.view import RuleError, role_view
from schema.graphql.build import graphql_types
from server.sdl import role_schema
from tests.unit.permissions.agent_needs import Need, as_part, needs_of
from tests.unit.permissions.agent_programs import program_of, unused_operations
from tests.unit.permissions.conditions import CATALOGUE
from triggers.event_types import EVENT_TYPES, Kind

VIEW = role_view(CATALOGUE, RULES, "service")
WHERE = "permissions/rules/agents.py"
every_agent = pytest.mark.parametrize("agent", sorted(REGISTRY))


@cache
def service_schema() -> GraphQLSchema:
    return role_schema("service").graphql_schema


@cache
def needs_by_operation(agent: str) -> Mapping[str, frozenset[Need]]:
    """What each operation of the agent's program needs; by the operation's name and file."""
    return {
        f"{document.name} of {file}": needs_of(document, service_schema(), VIEW)
        for file, document in program_of(agent).documents
    }


def needed(agent: str) -> Part:
    """The part that the agent's program needs, what is common to all included."""
    needs = frozenset[Need]().union(*needs_by_operation(agent).values())
    return as_part(needs, program_of(agent).events)


def entries(part: Part) -> Iterator[tuple[str, str]]:
    """What a part holds, as what it is and in words: (`public.contract insert`, `insert into …`)."""
    for key, operations in part.tables.items():
        yield from ((f"{key} {operation}", f"{operation} of {key}") for operation in operations)
    yield from ((f"field {field}", f"operation {field}") for field in part.fields)
    yield from ((f"event {event}", f"publishing {event}") for event in part.events)


def differences(agent: str, declared: Part) -> list[str]:
    """What the agent needs and may not, and what it may and doesn't need, a sentence each."""
    wanted, has = dict(entries(needed(agent))), dict(entries(declared))
    missing = [
        f"Agent {agent} uses {wanted[entry]}{used_by(agent, entry)} and may not: add it to its part in {WHERE}."
        for entry in sorted(wanted.keys() - has.keys())
    ]
    spare = [
        f"Agent {agent} may {has[entry]} and nothing in its program needs that: take it out of its part in {WHERE}."
        for entry in sorted(has.keys() - wanted.keys())
    ]
    return missing + spare


def used_by(agent: str, entry: str) -> str:
    what, operation = entry.split()
    need = (None, operation) if what == "field" else (what, operation)
    names = [name for name, needs in needs_by_operation(agent).items() if need in needs]
    return f" ({', '.join(names)})" if names else ""


# Each has what it needs


@every_agent
def test_an_agent_may_do_what_its_program_does_and_no_more(agent: str) -> None:
    found = differences(agent, AGENTS.part(agent))
    assert not found, "\n".join(found)


@every_agent
def test_what_an_agent_sends_is_valid_in_its_own_schema(agent: str) -> None:
    schema = role_schema("service", agent).graphql_schema
    for file, document in program_of(agent).documents:
        assert [error.message for error in validate(schema, parse(document.text))] == [], (file, document.name)


def test_what_an_agent_needs_and_may_not_is_named_with_the_operation_that_needs_it() -> None:
    part = AGENTS.part("contract")
    tables = {key: operations for key, operations in part.tables.items() if key != "events.scheduled_task"}
    tables["public.contract"] -= {Operation.SELECT_BY_PK}
    less = dataclasses.replace(
        part, tables=tables, fields=part.fields - {"hold_contract"}, events=part.events - {"contract.renewed"}
    )
    assert differences("contract", less) == [
        f"Agent contract uses publishing contract.renewed and may not: add it to its part in {WHERE}.",
        "Agent contract uses insert of events.scheduled_task (ScheduleRenewal of agents/contract/operations.graphql) "
        f"and may not: add it to its part in {WHERE}.",
        "Agent contract uses operation hold_contract (HoldContract of agents/charging/operations.graphql) and may not: "
        f"add it to its part in {WHERE}.",
        "Agent contract uses select_by_pk of public.contract (GetContract of agents/contract/operations.graphql, "
        "GetEndingContract of agents/contract/operations.graphql) and may not: "
        f"add it to its part in {WHERE}.",
    ]


def test_what_an_agent_may_and_does_not_need_is_named() -> None:
    part = AGENTS.part("identity")
    more = dataclasses.replace(
        part,
        tables={**part.tables, "public.staff": part.tables["public.staff"] | {Operation.SELECT}},
        fields=part.fields | {"cancel_task"},
        events=frozenset({"customer.deleted"}),
    )
    assert differences("identity", more) == [
        f"Agent identity may {what} and nothing in its program needs that: take it out of its part in {WHERE}."
        for what in ("publishing customer.deleted", "operation cancel_task", "select of public.staff")
    ]


def test_every_operation_that_is_written_down_is_sent_by_some_agent() -> None:
    assert unused_operations() == [], "no agent's program uses these operations: delete them, and run `make clients`"


# What is written down makes sense


def test_every_agent_has_a_part_and_nobody_else() -> None:
    assert set(AGENTS.own) == set(REGISTRY)


def test_what_every_agent_has_is_written_down_once() -> None:
    common = dict(entries(AGENTS.common))
    assert common
    for agent, own in AGENTS.own.items():
        assert not common.keys() & dict(entries(own)).keys(), agent


@every_agent
def test_an_agent_publishes_events_that_there_are_and_no_changes_of_rows(agent: str) -> None:
    part = AGENTS.part(agent)
    assert {EVENT_TYPES[name].kind for name in part.events} <= {Kind.DOMAIN}
    assert ("publish_event" in part.fields) == bool(part.events)


def test_a_part_may_not_hold_what_the_role_has_not() -> None:
    for table, operation in (("public.contract", "delete"), ("public.contract", "select_aggregate"), ("x.y", "insert")):
        part = Part(tables={table: frozenset({Operation(operation)})})
        with pytest.raises(RuleError, match=f"{table} that the role itself lacks: {operation}"):
            part_view(CATALOGUE, RULES, "service", part)


# What a part leaves


def roots(part: Part, **rules: Any) -> set[str]:
    """The root fields that are left, but for hand-written ones."""
    found = graphql_types(part_view(CATALOGUE, {"service": {**RULES["service"], **rules}}, "service", part))
    assert not found.subscription
    return {*found.query, *found.mutation}


@pytest.mark.parametrize(
    ("operation", "left"),
    [
        ("related", set()),
        ("select", {"chargebee_invoice", "chargebee_invoice_page"}),
        ("select_by_pk", {"chargebee_invoice_by_pk"}),
        ("select_aggregate", {"chargebee_invoice_aggregate", "chargebee_invoice_group_by"}),
        ("insert", {"insert_chargebee_invoice"}),
        ("update", {"update_chargebee_invoice", "update_chargebee_invoice_many"}),
        ("delete", {"delete_chargebee_invoice"}),
    ],
)
def test_an_operation_opens_its_own_fields_and_no_others(operation: str, left: set[str]) -> None:
    part = Part(tables={"chargebee.invoice": frozenset({Operation(operation)})})
    granted = RULES["service"]["chargebee.invoice"]
    assert granted.delete is None
    rules = {"chargebee.invoice": dataclasses.replace(granted, delete=Delete(filter={}))}
    assert roots(part, **rules) == left


@every_agent
def test_rows_are_the_roles_rows_and_columns_the_roles_columns(agent: str) -> None:
    view = part_view(CATALOGUE, RULES, "service", AGENTS.part(agent))
    for table in view:
        whole = VIEW[table.table.key]
        assert table.insert in (None, whole.insert)
        assert table.update in (None, whole.update)
        if table.selectable:
            assert (table.columns, table.filter, table.limit) == (whole.columns, whole.filter, whole.limit)


@every_agent
def test_relationships_lead_only_to_tables_of_the_part(agent: str) -> None:
    view = part_view(CATALOGUE, RULES, "service", AGENTS.part(agent))
    seen = {table.table.key for table in view if table.selectable}
    for table in view:
        there = {name for name, item in VIEW[table.table.key].relationships.items() if item.target in seen}
        assert set(table.relationships) == (there if table.selectable else set())


# Whose part it is


@pytest.mark.parametrize(
    ("me", "has_admin_secret", "name"),
    [
        ("contract", False, "contract"),
        ("contract", True, "contract"),
        ("stranger", False, ""),
        ("", False, ""),
        (None, False, ""),
        ("stranger", True, None),
        ("", True, None),
        (None, True, None),
    ],
)
def test_a_caller_has_the_part_of_their_name_and_the_whole_only_by_the_admin_secret(
    me: str | None, has_admin_secret: bool, name: str | None
) -> None:
    variables = {} if me is None else {"x-hasura-user-id": me}
    session = Session(role="service", variables=variables, has_admin_secret=has_admin_secret)
    assert AGENTS.name_of(session) == name


def test_who_has_no_part_has_what_is_common() -> None:
    assert AGENTS.part("stranger") == AGENTS.part("") == AGENTS.common
