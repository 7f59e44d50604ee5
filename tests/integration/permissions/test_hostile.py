"""Ways round the rules that somebody would try."""

# ruff: noqa: S608 -- the SQL of a test about a database of the test's own

from collections.abc import Iterator
from typing import Any

import pytest

from local.demo.people import MIRA
from tests.integration.permissions.attempts import insert
from tests.integration.permissions.house import CATALOGUE, Database, House
from tests.integration.permissions.people import CARL, NOBODY, OLGA, OTTO, PETE, PIA, id_of

OFFERED = id_of("f", "0001")
OLGAS_VISIT, OTTOS_VISIT = id_of("a", "0012"), id_of("b", "0012")


@pytest.fixture(scope="module")
def attacked(house: House) -> Iterator[Database]:
    """A database that no attack may change."""
    with house.database() as database:
        yield database


# Messages of the database


@pytest.mark.parametrize(
    ("role", "me", "table", "rows", "message"),
    [
        pytest.param(
            "user", OLGA, "public.data_deletion_request", [{"reason": "a"}, {"reason": "b"}],
            'Uniqueness violation. duplicate key value violates unique constraint "data_deletion_request_one_open_idx"',
            id="unique",
        ),
        pytest.param(
            "service", "contract", "public.support_ticket", [{"customer_id": NOBODY, "subject": "secret"}],
            'Foreign key violation. insert or update on table "support_ticket" violates foreign key constraint'
            ' "support_ticket_customer_id_fkey"',
            id="foreign key",
        ),
        pytest.param(
            "user", OLGA, "public.message", [{"thread_id": id_of("a", "0004"), "body": ""}],
            'Check constraint violation. new row for relation "message" violates check constraint "message_body_check"',
            id="check",
        ),
        pytest.param(
            "user", OLGA, "healthcare.questionnaire_response",
            [{"patient_id": id_of("a", "0002"), "questionnaire": "secret"}],
            'Not-NULL violation. null value in column "item" of relation "questionnaire_response" violates not-null'
            " constraint",
            id="not null",
        ),
    ],
)  # fmt: skip
def test_a_violated_constraint_is_named_and_no_value_of_the_row(
    attacked: Database, role: str, me: object, table: str, rows: list[dict[str, Any]], message: str
) -> None:
    write = insert(table, *rows)
    assert attacked.ask(role, me, write.document, **write.variables).error["message"] == message


@pytest.mark.parametrize(
    ("table", "row", "column", "hidden"),
    [
        ("public.message", {"body": "x"}, "thread_id", id_of("b", "0004")),
        ("healthcare.questionnaire_response", {"questionnaire": "x", "item": []}, "patient_id", id_of("b", "0002")),
        ("public.contract", {}, "treatment_id", id_of("f", "0002")),
        ("public.contract", {"treatment_id": OFFERED}, "subscription_id", "sub-b"),
    ],
)
def test_a_reference_to_a_hidden_row_fails_like_one_to_nothing(
    attacked: Database, table: str, row: dict[str, Any], column: str, hidden: str
) -> None:
    errors = []
    for value in (hidden, NOBODY):
        write = insert(table, row | {column: value})
        errors.append(attacked.ask("user", OLGA, write.document, **write.variables).error)
    assert errors[0] == errors[1]
    assert errors[0]["extensions"]["code"] == "permission-error"


@pytest.mark.parametrize("table", ["condition", "observation", "clinical_note", "prescription"])
def test_a_visit_of_another_patient_is_like_one_that_does_not_exist(attacked: Database, table: str) -> None:
    rows: dict[str, dict[str, Any]] = {
        "condition": {"code_system": "x", "code": "x", "code_display": "x"},
        "observation": {
            "code_system": "x", "code": "x", "code_display": "x", "category": "survey",
            "effective_date_time": "2026-01-01",
        },
        "clinical_note": {"title": "x", "body": "x"},
        "prescription": {
            "medication_id": id_of("f", "0020"), "dosage_instruction": "x", "quantity": 1, "quantity_unit": "mL",
            "days_supply": 1,
        },
    }  # fmt: skip
    errors = []
    for visit in (OTTOS_VISIT, NOBODY):
        write = insert(f"healthcare.{table}", rows[table] | {"patient_id": id_of("a", "0002"), "encounter_id": visit})
        errors.append(attacked.ask("provider", PIA, write.document, **write.variables).error)
    assert errors[0] == errors[1]


# Who somebody is


@pytest.mark.parametrize("role", ["user", "provider", "cct", "service"])
def test_without_a_person_nothing_of_theirs_is_read(library: Database, role: str) -> None:
    name = "events_inbox { agent }" if role == "service" else "customer { id }"
    answer = library.ask(role, None, f"{{ {name} }}")
    assert answer.code == "not-found"
    assert answer.error["message"] == 'missing session variable: "x-hasura-user-id"'


def test_an_unknown_role_can_do_nothing(library: Database) -> None:
    assert library.ask("root", OLGA, "{ customer { id } }").code == "validation-failed"
    assert library.ask("root", OLGA, "mutation { insert_referral(objects: []) { affected_rows } }").code == (
        "validation-failed"
    )


def test_a_client_cannot_name_a_session_variable(database: Database) -> None:
    written = insert("public.referral", referred_email="X-Hasura-User-Id")
    assert database.ask("user", OLGA, written.document, **written.variables).data["it"]["affected_rows"] == 1
    assert database.value("SELECT count(*) FROM public.referral WHERE referred_email = 'X-Hasura-User-Id'") == 1

    document = '{ contract(where: {customer_id: {_eq: "X-Hasura-User-Id"}}) { id } }'
    assert database.ask("user", OLGA, document).code == "data-exception"
    exists = '{ contract(where: {_exists: {_table: {schema: "public", name: "staff"}, _where: {}}}) { id } }'
    assert database.ask("user", OLGA, exists).code == "validation-failed"


def test_what_was_kept_for_one_is_not_given_to_another(library: Database) -> None:
    document = "query @cached(ttl: 60) { message { body } }"
    first, second = (library.ask("user", me, document).data["message"] for me in (OLGA, OTTO))
    assert {row["body"] for row in first} == {"secret of Olga", "advice for Olga"}
    assert {row["body"] for row in second} == {"secret of Otto", "advice for Otto"}
    assert library.ask("provider", PETE, document).data["message"] == second
    assert library.ask("user", OLGA, document).data["message"] == first


# What a write gives away


def test_what_a_write_returns_shows_no_rows_of_others(database: Database) -> None:
    document = """
        mutation ($treatment: uuid!) {
          insert_contract_one(object: {treatment_id: $treatment}) {
            customer { id message_threads { id } }
            treatment { contracts { customer_id } contracts_aggregate { aggregate { count } } }
          }
        }
    """
    row = database.ask("user", OLGA, document, treatment=OFFERED).data["insert_contract_one"]

    assert {thread["id"] for thread in row["customer"]["message_threads"]} == {id_of("a", "0004"), id_of("a", "0007")}
    assert {contract["customer_id"] for contract in row["treatment"]["contracts"]} == {OLGA}
    # The new one and the one before; Otto has one, too.
    assert row["treatment"]["contracts_aggregate"]["aggregate"]["count"] == 2


def test_an_update_of_everything_returns_only_what_it_reached(database: Database) -> None:
    document = 'mutation { update_message(where: {}, _set: {read_at: "now"}) { returning { body thread { id } } } }'
    assert database.ask("provider", PIA, document).data["update_message"]["returning"] == [
        {"body": "secret of Olga", "thread": {"id": id_of("a", "0004")}}
    ]


def test_whether_another_agent_handled_an_event_makes_no_difference(database: Database) -> None:
    event = database.value("SELECT event_id::text FROM events.inbox WHERE agent = 'zendesk' LIMIT 1")
    write = insert("events.inbox", {"event_id": event}, on_conflict={"constraint": "inbox_pkey", "update_columns": []})
    assert database.ask("service", "nobody", write.document, **write.variables).data["it"]["affected_rows"] == 1
    assert database.ask("service", "zendesk", write.document, **write.variables).data["it"]["affected_rows"] == 0


# Beside and below


#: Who updates what row of which table, what is related to it, and what they insert there.
ALONG = {
    "a contract for what is not offered": (
        *("user", OLGA, "public.customer", OLGA, "contracts"),
        {"treatment_id": id_of("f", "0002")},
    ),
    "a message into another's thread": (
        *("user", OLGA, "public.customer", OLGA, "sent_messages"),
        {"thread_id": id_of("b", "0004"), "body": "x"},
    ),
    "another's condition at a visit": (
        *("provider", PIA, "healthcare.encounter", OLGAS_VISIT, "conditions"),
        {"patient_id": id_of("b", "0002"), "code_system": "x", "code": "x", "code_display": "x"},
    ),
    "a message into a closed thread": (
        *("provider", PIA, "public.message_thread", id_of("a", "0007"), "messages"),
        {"body": "x"},
    ),
}


@pytest.mark.parametrize("along", ALONG.values(), ids=ALONG.keys())
def test_rows_that_an_update_inserts_along_are_checked(attacked: Database, along: tuple[Any, ...]) -> None:
    role, me, table, key, related, row = along
    name, target = CATALOGUE[table].graphql_name, CATALOGUE[CATALOGUE[table].relationships[related].target].graphql_name
    document = (
        f"mutation ($key: uuid!, $rows: [{target}_insert_input!]!) {{ it: update_{name}(where: {{id: {{_eq: $key}}}},"
        f" _related: {{{related}: {{insert: {{data: $rows}}}}}}) {{ affected_rows }} }}"
    )
    answer = attacked.ask(role, me, document, key=key, rows=[row])
    assert answer.code == "permission-error", answer.body


def test_a_thread_takes_no_message_from_the_update_that_closes_it(attacked: Database) -> None:
    document = (
        f'mutation {{ it: update_message_thread(where: {{id: {{_eq: "{id_of("a", "0004")}"}}}},'
        ' _set: {status: "closed"}, _related: {messages: {insert: {data: [{body: "x"}]}}}) { affected_rows } }'
    )
    assert attacked.ask("provider", PIA, document).code == "permission-error"


@pytest.mark.parametrize(
    ("related", "table", "row"),
    [
        pytest.param(
            f'conditions: {{link: [{{id: "{id_of("b", "0014")}"}}]}}', "healthcare.condition", id_of("b", "0014"),
            id="another's condition",
        ),
        pytest.param(
            f'prescriptions: {{link: [{{id: "{id_of("b", "001a")}"}}]}}', "healthcare.prescription",
            id_of("b", "001a"), id="another's prescription",
        ),
        pytest.param(
            f'questionnaire_responses: {{link: [{{id: "{id_of("b", "0013")}"}}]}}', "healthcare.questionnaire_response",
            id_of("b", "0013"), id="another's answers",
        ),
    ],
)  # fmt: skip
def test_rows_of_others_cannot_be_linked(attacked: Database, related: str, table: str, row: str) -> None:
    document = (
        f'mutation {{ it: update_healthcare_encounter(where: {{id: {{_eq: "{OLGAS_VISIT}"}}}},'
        f" _related: {{{related}}}) {{ affected_rows }} }}"
    )
    before = attacked.value(f"SELECT t::text FROM {table} AS t WHERE id = '{row}'")
    hidden = attacked.ask("provider", PIA, document)
    missing = attacked.ask("provider", PIA, document.replace(row, NOBODY))

    assert attacked.value(f"SELECT t::text FROM {table} AS t WHERE id = '{row}'") == before
    assert hidden.body == missing.body, "a hidden row is like none"


def test_a_condition_cannot_be_linked_to_a_visit_of_another(attacked: Database) -> None:
    document = (
        f'mutation {{ it: update_healthcare_condition(where: {{id: {{_eq: "{id_of("a", "0014")}"}}}},'
        f' _related: {{encounter: {{link: {{id: "{OTTOS_VISIT}"}}}}}}) {{ affected_rows }} }}'
    )
    hidden = attacked.ask("provider", PIA, document)
    missing = attacked.ask("provider", PIA, document.replace(OTTOS_VISIT, NOBODY))

    assert "errors" in hidden.body
    assert hidden.body == missing.body
    assert attacked.value(f"SELECT encounter_id::text FROM healthcare.condition WHERE id = '{id_of('a', '0014')}'") == (
        OLGAS_VISIT
    )


def test_what_a_related_update_reaches_is_what_the_role_may_change(attacked: Database) -> None:
    # Carl's ticket leads to the customer, the customer to threads; Dora's data was deleted.
    document = (
        f'mutation {{ it: update_support_ticket(where: {{id: {{_eq: "{id_of("d", "000a")}"}}}},'
        ' _related: {customer: {update: {_set: {city: "X"}}}}) { affected_rows } }'
    )
    assert attacked.ask("cct", CARL, document).data["it"]["affected_rows"] == 0
    assert attacked.value("SELECT count(*) FROM public.customer WHERE city = 'X'") == 0


# Sums and orders


def test_a_sum_over_hidden_rows_is_a_sum_over_nothing(library: Database) -> None:
    document = f"""{{
        all: chargebee_invoice_aggregate {{ aggregate {{ count sum {{ total }} max {{ id }} }} }}
        others: chargebee_invoice_aggregate(where: {{profile: {{id: {{_eq: "{OTTO}"}}}}}}) {{
          aggregate {{ count sum {{ total }} }}
        }}
    }}"""
    answer = library.ask("user", OLGA, document).data
    assert answer["all"]["aggregate"] == {"count": 1, "sum": {"total": 9900}, "max": {"id": "inv-a"}}
    assert answer["others"]["aggregate"] == {"count": 0, "sum": {"total": None}}


def test_an_order_by_hidden_rows_is_no_order(library: Database) -> None:
    # By the staff of threads: Olga does not see whom anybody else writes with.
    document = "{ treatment(order_by: [{contracts_aggregate: {count: desc}}, {id: asc}]) { id } }"
    ordered = [row["id"] for row in library.ask("user", NOBODY, document).data["treatment"]]
    assert ordered == sorted(ordered)


def test_distinct_values_are_those_of_visible_rows(library: Database) -> None:
    document = "{ healthcare_patient(distinct_on: gender, order_by: {gender: asc}) { gender } }"
    everything = library.value("SELECT count(DISTINCT gender) FROM healthcare.patient")
    assert len(library.ask("provider", PIA, document).data["healthcare_patient"]) == 1 < everything
    assert len(library.ask("provider", MIRA, document).data["healthcare_patient"]) <= everything
