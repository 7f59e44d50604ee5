"""What each role may write: every role, table and operation, allowed or absent, each tried."""

# ruff: noqa: S608 -- the SQL of a test about a database of the test's own

from collections.abc import Iterator

import pytest
from graphql import GraphQLSchema

from tests.integration.permissions.attempts import Attempt, Attempts, insert
from tests.integration.permissions.attempts.cct import CCT
from tests.integration.permissions.attempts.provider import PROVIDER
from tests.integration.permissions.attempts.service import SERVICE
from tests.integration.permissions.attempts.user import USER
from tests.integration.permissions.house import CATALOGUE, Database, House
from tests.integration.permissions.oracle import ROLES
from tests.integration.permissions.people import ASKING
from tests.integration.permissions.questions import VIEWS

#: i inserts, u updates; nobody deletes. A table that is not here is written by nobody but admin.
MATRIX = """
table                               anonymous  newcomer  user  provider  cct  service
public.customer                     .          .         u     .         u    u
public.staff                        .          .         .     .         .    u
public.treatment                    .          .         .     .         .    .
public.contract                     .          .         i     .         .    iu
public.message_thread               .          .         i     iu        iu   .
public.message                      .          .         iu    iu        iu   .
public.notification                 .          .         u     .         .    iu
public.support_ticket               .          .         .     .         iu   iu
public.support_ticket_comment       .          .         .     .         i    iu
public.payment_recovery             .          .         .     .         .    iu
public.referral                     .          .         i     .         .    u
public.referral_reward              .          .         .     .         .    iu
public.data_deletion_request        .          .         i     .         .    .
public.data_deletion_step           .          .         .     .         .    .
chargebee.customer                  .          .         .     .         .    iu
chargebee.item_price                .          .         .     .         .    iu
chargebee.subscription              .          .         .     .         .    iu
chargebee.invoice                   .          .         .     .         .    iu
chargebee.invoice_line_item         .          .         .     .         .    iu
chargebee.transaction               .          .         .     .         .    iu
chargebee.credit_note               .          .         .     .         .    iu
chargebee.sync_cursor               .          .         .     .         .    iu
chargebee.contract                  .          .         .     .         .    .
healthcare.pharmacy                 .          .         .     .         .    .
healthcare.patient                  .          .         .     u         .    .
healthcare.care_team                .          .         .     .         .    .
healthcare.encounter                .          .         .     iu        .    .
healthcare.questionnaire_response   .          .         i     u         .    .
healthcare.condition                .          .         .     iu        .    .
healthcare.allergy_intolerance      .          .         .     iu        .    .
healthcare.observation              .          .         .     iu        .    .
healthcare.clinical_note            .          .         .     iu        .    .
healthcare.medication               .          .         .     .         .    .
healthcare.prescription             .          .         .     iu        .    u
healthcare.prescription_fill        .          .         .     .         .    iu
events.outbox                       .          .         .     .         .    .
events.waiting                      .          .         .     .         .    .
events.publication                  .          .         .     .         .    .
events.inbox                        .          .         .     .         .    i
events.delivery                     .          .         .     .         .    i
events.dead_letter                  .          .         .     .         .    i
events.scheduled_task               .          .         .     .         .    i
events.relay                        .          .         .     .         .    .
audit.change                        .          .         .     .         .    .
audit.access                        .          .         .     .         .    .
"""
OPERATIONS = {"i": "insert", "u": "update", "d": "delete"}
ALL: tuple[Attempts, ...] = (USER, PROVIDER, CCT, SERVICE)
FOR = {attempts.role: attempts for attempts in ALL}


def stated() -> Iterator[tuple[str, str, str]]:
    """Role, table and operation of every cell that is allowed."""
    head, *lines = MATRIX.strip().splitlines()
    for line in lines:
        table, *cells = line.split()
        for role, letters in zip(head.split()[1:], cells, strict=True):
            yield from ((role, table, OPERATIONS[letter]) for letter in letters if letter != ".")


def every_attempt() -> list[object]:
    return [
        pytest.param(attempts.role, attempt, id=f"{attempts.role} {attempt.says}")
        for attempts in ALL
        for attempt in attempts.all
    ]


def writable_fields(role: str) -> set[str]:
    """The generated mutations that a role has by the matrix."""
    found = set()
    for _, table, operation in (cell for cell in stated() if cell[0] == role):
        name, view = CATALOGUE[table].graphql_name, VIEWS[role][table]
        found.add(f"{operation}_{name}")
        if operation == "insert" and view.selectable:
            found.add(f"insert_{name}_one")
        if operation == "update":
            found.add(f"update_{name}_many")
        if operation == "update" and view.selectable and view.primary_key:
            found.add(f"update_{name}_by_pk")
    return found


# The matrix


def test_the_matrix_has_every_role_and_no_unknown_table() -> None:
    head, *lines = MATRIX.strip().splitlines()
    assert set(head.split()[1:]) == set(ROLES)
    assert {line.split()[0] for line in lines} <= set(CATALOGUE.tables)


@pytest.mark.parametrize("role", ROLES)
def test_a_role_has_the_mutations_that_the_matrix_allows_and_no_others(house: House, role: str) -> None:
    schema: GraphQLSchema = house.engine.schema(role).graphql_schema
    found = set(schema.mutation_type.fields) if schema.mutation_type else set()

    assert {name for name in found if name.startswith(("insert_", "update_", "delete_"))} == writable_fields(role)


@pytest.mark.parametrize("attempts", ALL, ids=lambda attempts: attempts.role)
def test_every_allowed_cell_is_tried_with_and_without_success(attempts: Attempts) -> None:
    allowed = {(table, operation) for role, table, operation in stated() if role == attempts.role}
    tried = {(one.write.table, one.write.operation): set[bool]() for one in attempts.all}
    for one in attempts.all:
        tried[one.write.table, one.write.operation].add(one.changes)

    # A cursor has nothing that must not be changed.
    easy = {("chargebee.sync_cursor", "update")}
    assert {cell for cell, outcomes in tried.items() if outcomes == {True, False}} | easy >= allowed


# The attempts


@pytest.fixture(scope="module")
def unchanged(house: House) -> Iterator[Database]:
    """A database for what is refused or undone: every test sees to it that nothing has changed."""
    with house.database() as database:
        yield database


@pytest.mark.parametrize(("role", "attempt"), every_attempt())
def test_attempt(house: House, role: str, attempt: Attempt, request: pytest.FixtureRequest) -> None:
    if is_carried_out(role, attempt):
        with house.database() as database:
            if attempt.before:
                database.execute(attempt.before)
            tried(database, role, attempt)
    else:
        tried(request.getfixturevalue("unchanged"), role, attempt, for_good=False)


def is_carried_out(role: str, attempt: Attempt) -> bool:
    """Whether it needs a database of its own: for what is looked at afterwards, and once for every cell."""
    cell = attempt.write.table, attempt.write.operation
    same = (one for one in FOR[role].all if one.changes and (one.write.table, one.write.operation) == cell)
    return bool(attempt.before) or attempt.then != "true" or (attempt.changes and attempt is next(same))


def tried(database: Database, role: str, attempt: Attempt, *, for_good: bool = True) -> None:
    write = attempt.write
    before = fingerprint(database, write.table)
    is_dry = attempt.changes and not for_good
    for ask in (database.ask_dry,) if is_dry else (database.ask_dry, database.ask):
        assert fingerprint(database, write.table) == before
        answer = ask(role, attempt.me, write.document, **write.variables)
        if attempt.code is None:
            assert answer.data["it"]["affected_rows"] == attempt.rows
        else:
            assert answer.code == attempt.code, answer.body
    if not attempt.changes:
        tried_otherwise(database, role, attempt)
    assert (fingerprint(database, write.table) != before) is (attempt.changes and for_good)
    assert is_dry or database.value(f"SELECT {attempt.then}")


def tried_otherwise(database: Database, role: str, attempt: Attempt) -> None:
    """What comes to nothing comes to nothing in other words, too."""
    for document, variables in attempt.write.otherwise:
        field = document.partition("it: ")[2].partition("(")[0]
        if field not in writable_fields(role):
            continue
        answer = database.ask(role, attempt.me, document, **variables)
        if attempt.code is None:
            assert answer.data["it"] in (None, [{"affected_rows": 0}])
        else:
            assert answer.code == attempt.code, answer.body


def fingerprint(database: Database, table: str) -> object:
    """Changes with any row of the table."""
    return database.value(f"SELECT md5(string_agg(t::text, '' ORDER BY t::text)) FROM {table} AS t")


# What holds of all that people insert


@pytest.mark.parametrize(
    ("role", "table"), [cell[:2] for cell in stated() if cell[2] == "insert" and cell[0] != "service"]
)
def test_nobody_chooses_the_key_of_a_row_and_so_takes_over_anothers(unchanged: Database, role: str, table: str) -> None:
    other = unchanged.value(f"SELECT id::text FROM {table} ORDER BY id DESC LIMIT 1")
    name = CATALOGUE[table].name
    write = insert(table, {"id": other}, on_conflict={"constraint": f"{name}_pkey", "update_columns": []})

    answer = unchanged.ask(role, ASKING[role][0], write.document, **write.variables)

    assert answer.code == "validation-failed"
    assert answer.error["message"] == f"field 'id' not found in type: '{CATALOGUE[table].graphql_name}_insert_input'"
