"""Role `service` may do what its agents need, all together, and nothing else: tables, columns, operations.

The columns are those that agents' documents name, and those of the objects that their code gives to documents.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Final

import pytest
from graphql import GraphQLSchema

from agents.graphql.documents import Document
from agents.graphql.generation import function_name
from agents.mirror.history import History
from agents.registry import AGENTS as REGISTRY
from integrations.chargebee.rows import KINDS, rows_of
from local.demo.chargebee import chargebee_objects
from permissions.parts import Operation, operations_of
from permissions.rules import RULES
from permissions.rules.agents import AGENTS
from permissions.view import role_view
from schema.graphql.kinds import RootField, find_kind
from schema.view import RoleView
from server.sdl import role_schema
from tests.unit.permissions.agent_columns import INSERT, SELECT, UPDATE, Unreadable, Use, columns_of
from tests.unit.permissions.agent_inputs import Inputs, Untraceable
from tests.unit.permissions.agent_programs import program_of
from tests.unit.permissions.conditions import CATALOGUE

VIEW: Final = role_view(CATALOGUE, RULES, "service")
#: Everything there is: what an agent needs is read whether or not the role may do it.
EVERYTHING: Final = role_view(CATALOGUE, RULES, "admin")
#: Ways to read the rows that the role may read. Which of them an agent has is its part's to say.
READING: Final = frozenset({Operation.RELATED, Operation.SELECT, Operation.SELECT_BY_PK})


@cache
def schema_of_everything() -> GraphQLSchema:
    return role_schema("admin").graphql_schema


@cache
def used() -> Mapping[Use, tuple[str, ...]]:
    """Every column that agents need, with who needs it: agent, operation, file."""
    found: dict[Use, list[str]] = {}
    for agent in sorted(REGISTRY):
        inputs = Inputs(agent)
        for file, document in program_of(agent).documents:
            for use in uses_of(document, file, inputs):
                found.setdefault(use, []).append(f"agent {agent} ({document.name} of {file})")
    return {use: tuple(users) for use, users in found.items()}


def uses_of(document: Document, file: str, inputs: Inputs) -> Iterator[Use]:
    columns = columns_of(document, schema_of_everything(), EVERYTHING)
    yield from columns.uses
    folder = file.split("/")[1]
    for given in columns.given:
        if folder == "mirror":
            # Made in a module of its own, of what Chargebee says, and passed on as rows of any table.
            names = mirrored()[given.table]
        else:
            names = inputs.columns((f"agents.{folder}.operations", function_name(document.name)), given.variable)
        yield from ((given.table, given.what, name) for name in names)


@cache
def mirrored() -> Mapping[str, frozenset[str]]:
    """The columns of the mirror's rows by table, as they are written."""
    objects = chargebee_objects()
    mark = History(before=datetime.now(UTC)).marker()
    found = {}
    for kind in KINDS:
        for table, rows in rows_of(kind, objects[kind][0]).items():
            if table == "invoice":
                mark(rows[0])
            found[f"chargebee.{table}"] = frozenset(rows[0])
    return found


def allowed(view: RoleView) -> Iterator[Use]:
    for table in view:
        key = table.table.key
        yield from ((key, SELECT, column.name) for column in table.columns.values())
        yield from ((key, INSERT, column.name) for column in (table.insert.columns.values() if table.insert else ()))
        yield from ((key, UPDATE, column.name) for column in (table.update.columns.values() if table.update else ()))


def differences(needed: Mapping[Use, tuple[str, ...]], has: frozenset[Use]) -> list[str]:
    """What agents need and the role may not, and what it may and no agent needs, a sentence each."""
    missing = [
        f"Role service may not {what} {table}.{column}, and {', '.join(needed[table, what, column])} does: "
        f"add it to {where(table)}."
        for table, what, column in sorted(needed.keys() - has)
    ]
    spare = [
        f"Role service may {what} {table}.{column}, and no agent does: take it out of {where(table)}."
        for table, what, column in sorted(has - needed.keys())
    ]
    return missing + spare


def where(table: str) -> str:
    return f"permissions/rules/{table.split('.', maxsplit=1)[0]}.py"


# Columns


def test_the_role_reads_and_writes_the_columns_that_agents_do_and_no_others() -> None:
    found = differences(used(), frozenset(allowed(VIEW)))
    assert not found, "\n".join(found)


def test_a_column_that_an_agent_needs_and_the_role_may_not_is_named_with_who_needs_it() -> None:
    less = frozenset(allowed(VIEW)) - {
        ("healthcare.prescription", SELECT, "note"),
        ("public.staff", UPDATE, "firebase_uid"),
        ("public.support_ticket_comment", INSERT, "body"),
    }
    assert differences(used(), less) == [
        "Role service may not select healthcare.prescription.note, and agent prescription (GetPrescription of "
        "agents/prescription/operations.graphql) does: add it to permissions/rules/healthcare.py.",
        "Role service may not update public.staff.firebase_uid, and agent identity (SetStaffAccount of "
        "agents/identity/operations.graphql) does: add it to permissions/rules/public.py.",
        "Role service may not insert public.support_ticket_comment.body, and agent event_routing (AddComment of "
        "agents/event_routing/operations.graphql) does: add it to permissions/rules/public.py.",
    ]


def test_a_column_that_the_role_may_and_no_agent_needs_is_named() -> None:
    more = frozenset(allowed(VIEW)) | {("healthcare.patient", SELECT, "language")}
    assert differences(used(), more) == [
        "Role service may select healthcare.patient.language, and no agent does: take it out of "
        "permissions/rules/healthcare.py."
    ]


def columns(text: str) -> frozenset[Use]:
    document = Document(name="It", kind=text.split(maxsplit=1)[0], text=text)
    return columns_of(document, schema_of_everything(), EVERYTHING).uses


@pytest.mark.parametrize(
    ("text", "uses"),
    [
        ("query It($id: uuid!) { it: staff_by_pk(id: $id) { npi } }", "select staff.id staff.npi"),
        (
            'query It { staff(where: {_not: {role: {_eq: "cct"}}}, order_by: {email: asc}, distinct_on: [email]) '
            "{ id } }",
            "select staff.role staff.email staff.id",
        ),
        (
            "query It { contract(where: {customer: {phone: {_is_null: false}}}, order_by: [{treatment: {name: asc}}]) "
            "{ customer { email } } }",
            "select customer.phone treatment.name customer.email",
        ),
        (
            "query It { staff_aggregate { aggregate { count(columns: [npi]) max { created_at } } nodes { phone } } }",
            "select staff.npi staff.created_at staff.phone",
        ),
        (
            "query It { contract_group_by(keys: [{column: status}]) { key { status } aggregate { count } } }",
            "select contract.status",
        ),
        (
            "mutation It($id: uuid!) { update_staff_by_pk(pk_columns: {id: $id}, _set: {active: false}) { role } }",
            "update staff.active select staff.id staff.role",
        ),
        (
            "mutation It { update_customer(where: {}, _inc: {lifetime_value: 1}) { returning { email } } }",
            "update customer.lifetime_value select customer.email",
        ),
        (
            "mutation It { insert_staff(objects: [{email: null}], on_conflict: {constraint: staff_pkey, "
            "update_columns: [role], where: {active: {_eq: true}}}) { affected_rows } }",
            "insert staff.email update staff.role select staff.active",
        ),
        (
            "mutation It { insert_contract(objects: [{customer: {data: {email: null}}}]) { affected_rows } }",
            "insert customer.email",
        ),
    ],
)
def test_a_document_uses_columns_wherever_it_names_them(text: str, uses: str) -> None:
    wanted, what = set(), ""
    for word in uses.split():
        if "." not in word:
            what = word
        else:
            table, column = word.split(".")
            wanted.add((f"public.{table}", what, column))
    assert columns(text) == wanted


@pytest.mark.parametrize("kind", ["customer_bool_exp!", "[customer_order_by!]", "[customer_select_column!]"])
def test_a_condition_or_an_order_that_the_code_would_make_is_refused(kind: str) -> None:
    with pytest.raises(Unreadable, match=r"It: \$it is a customer_\w+, so nobody can read"):
        columns(f"query It($it: {kind}) {{ customer {{ id }} }}")


def test_columns_that_code_makes_are_followed_to_where_they_are_made() -> None:
    moved = Inputs("chargebee").columns(("agents.chargebee.operations", "move_first_payment"), "set")
    # Of what the first caller makes, of what is added on the way, and of what is added at the end.
    assert moved >= {"last_decline_code", "attempts", "closed_at"}
    assert moved < {column.name for column in CATALOGUE["public.payment_recovery"].columns.values()}


def test_columns_that_code_makes_in_a_way_that_is_not_followed_are_an_error() -> None:
    with pytest.raises(Untraceable, match=r"nobody calls agents\.mirror\.operations\.mirror_customers by its name"):
        Inputs("event_routing").columns(("agents.mirror.operations", "mirror_customers"), "rows")


# Tables and operations


def test_the_role_does_with_a_table_what_some_agent_does_and_nothing_else() -> None:
    parts = [AGENTS.part(agent) for agent in sorted(REGISTRY)]
    for table, granted in RULES["service"].items():
        needed = {operation for part in parts for operation in part.tables.get(table, ())}
        if needed & READING:
            needed |= READING
        spare = operations_of(granted) - needed
        assert not spare, f"Role service may {', '.join(sorted(spare))} {table}, and no agent does: see {where(table)}."


def test_the_role_has_the_operations_by_hand_that_some_agent_calls_and_no_others() -> None:
    schema = role_schema("service").graphql_schema
    roots = [root for root in (schema.query_type, schema.mutation_type, schema.subscription_type) if root is not None]
    by_hand = {
        name for root in roots for name, field in root.fields.items() if not isinstance(find_kind(field), RootField)
    }
    functions = {function.graphql_name for function in VIEW.functions}
    assert by_hand | functions == {field for agent in REGISTRY for field in AGENTS.part(agent).fields}


def test_the_role_computes_no_fields() -> None:
    # An agent that needs one names it in a document: then what agents need is to be read from there as well.
    assert [table.table.key for table in VIEW if table.computed_fields] == []
