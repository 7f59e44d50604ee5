"""What nobody sees makes no difference: not by an error, not by whether there is one."""

# ruff: noqa: S608 -- the SQL of a test about a database of the test's own

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest

from local.demo.people import MIRA
from permissions.model import Select, TablePermissions
from resolvers.errors import GraphQLRequestError
from tests.integration.permissions.house import Database, House
from tests.integration.permissions.people import NOBODY, OLGA, PIA, id_of

#: More often than PostgreSQL plans anew for the values of a prepared statement.
UNTIL_PLANNED_FOR_GOOD = 8


@pytest.fixture(scope="module")
def dated(house: House) -> Iterator[Database]:
    """Otto, whom neither Olga nor Mira may see, has answered with a date."""
    with house.database() as database:
        database.execute(
            'UPDATE healthcare.questionnaire_response SET item = \'[{"answer": "2020-05-05"}]\''
            f" WHERE id = '{id_of('b', '0013')}'"
        )
        yield database


def endings(database: Database, role: str, me: object, document: str, *tries: dict[str, Any]) -> list[object]:
    """How each try ends: the data, or the error."""
    found: list[object] = []
    for variables in tries:
        answer = database.ask(role, me, document, **variables)
        found.append(answer.error if "errors" in answer.body else answer.data)
    return found


PATTERN = "query ($it: String!) { message(where: {body: {OPERATOR: $it}}) { id } }"


@pytest.mark.parametrize("operator", ["_like", "_ilike"])
@pytest.mark.parametrize(("role", "me"), [("provider", MIRA), ("provider", NOBODY), ("user", NOBODY)])
def test_a_pattern_that_breaks_off_in_an_escape_tells_nothing_of_hidden_texts(
    library: Database, role: str, me: object, operator: str
) -> None:
    # PostgreSQL notices the lone backslash only in a text that fits the pattern up to there.
    document = PATTERN.replace("OPERATOR", operator)
    is_there, is_not = endings(library, role, me, document, {"it": "secret of Ott\\"}, {"it": "secret of Xxx\\"})
    assert is_there == is_not


@pytest.mark.parametrize("table", ["staff", "customer"])
def test_names_cannot_be_spelt_out_letter_by_letter(library: Database, table: str) -> None:
    role = "user" if table == "staff" else "provider"
    document = f"query ($it: String!) {{ {table}(where: {{last_name: {{_like: $it}}}}) {{ id }} }}"
    tries = [{"it": f"{letter}%\\"} for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"]
    assert len({str(ending) for ending in endings(library, role, NOBODY, document, *tries)}) == 1


def test_a_pattern_still_fails_in_texts_that_one_sees(library: Database) -> None:
    (ending,) = endings(library, "user", OLGA, PATTERN.replace("OPERATOR", "_like"), {"it": "secret of Olg\\"})
    assert isinstance(ending, dict)
    assert ending["extensions"]["code"] == "bad-request"


def test_a_broken_regular_expression_tells_nothing_of_hidden_texts(library: Database) -> None:
    document = "query ($body: String!, $it: String!) { message(where: {body: {_eq: $body, _similar: $it}}) { id } }"
    for _ in range(UNTIL_PLANNED_FOR_GOOD):
        library.ask("provider", MIRA, document, body="x", it="x")
    is_there, is_not = endings(
        library, "provider", MIRA, document, {"body": "secret of Otto", "it": "("}, {"body": "nothing", "it": "("}
    )
    assert is_there == is_not


@pytest.mark.parametrize("operator", ["_jsonb_path_exists", "_jsonb_path_match"])
@pytest.mark.parametrize(
    "path",
    [
        "$[*].answer.timestamp_tz()",
        '$[*].answer.datetime() < "2020-01-01 00:00:00 +00:00".datetime()',
        '$[*].answer ? (@ == "2020-05-05").datetime() ? (@ < "2020-01-01 00:00:00 +00:00".datetime())',
    ],
)
def test_a_json_path_that_fails_tells_nothing_of_hidden_documents(dated: Database, operator: str, path: str) -> None:
    document = (
        f"query ($it: String!) {{ healthcare_questionnaire_response(where: {{item: {{{operator}: $it}}}}) {{ id }} }}"
    )
    for role, me in (("provider", MIRA), ("user", OLGA)):
        answer = dated.ask(role, me, document, it=path)
        assert id_of("b", "0013") not in str(answer.data)


def spelt_out(column: str, kind: str) -> str:
    """A query that compares a hidden text with one value and some other column with another."""
    return f"query ($body: String!, $it: {kind}!) {{ message(where: {{body: {{_eq: $body}}, {column}}}) {{ id }} }}"


@pytest.mark.parametrize(
    ("column", "kind", "good", "bad"),
    [
        ("updated_at: {_gt: $it}", "timestamptz", "2020-01-01", "garbage"),
        ("updated_at: {_in: [$it]}", "timestamptz", "2020-01-01", "garbage"),
        ("sender_staff_id: {_neq: $it}", "uuid", NOBODY, "garbage"),
        ("_not: {updated_at: {_lt: $it}}", "timestamptz", "2020-01-01", "2020-01-01 25:00"),
        ("thread: {messages_aggregate: {count: {predicate: {_gte: $it}}}}", "Int", 0, "garbage"),
    ],
)
def test_a_value_that_is_none_fails_whether_or_not_a_hidden_row_is_compared_with_it(
    library: Database, column: str, kind: str, good: object, bad: object
) -> None:
    document = spelt_out(column, kind)
    for _ in range(UNTIL_PLANNED_FOR_GOOD):
        library.ask("provider", MIRA, document, body="x", it=good)
    is_there, is_not = endings(
        library, "provider", MIRA, document, {"body": "secret of Otto", "it": bad}, {"body": "nothing", "it": bad}
    )
    assert is_there == is_not
    assert library.ask("provider", MIRA, document, body="x", it=bad).code == "data-exception"


def test_a_document_that_cannot_be_read_fails_whether_or_not_a_row_is_compared_with_it(library: Database) -> None:
    document = (
        "query ($name: String!, $it: jsonb!) {"
        " healthcare_questionnaire_response(where: {questionnaire: {_eq: $name}, item: {_contains: $it}}) { id } }"
    )
    for _ in range(UNTIL_PLANNED_FOR_GOOD):
        library.ask("provider", MIRA, document, name="x", it=[])
    is_there, is_not = endings(
        library, "provider", MIRA, document, {"name": "intake/1", "it": "\0"}, {"name": "nothing", "it": "\0"}
    )
    assert is_there == is_not


def test_a_cursor_of_ones_own_making_tells_nothing(library: Database) -> None:
    document = (
        "query ($body: String!, $after: String) { message_page(limit: 1, after: $after, where: {body: {_eq: $body}},"
        " order_by: {updated_at: asc}) { next_cursor } }"
    )
    first = library.ask("provider", PIA, document, body="secret of Olga").data["message_page"]["next_cursor"]
    values = json.loads(base64.urlsafe_b64decode(first + "=" * (-len(first) % 4)))
    forged = base64.urlsafe_b64encode(json.dumps([values[0], "garbage", values[2]]).encode()).decode().rstrip("=")
    for _ in range(UNTIL_PLANNED_FOR_GOOD):
        library.ask("provider", MIRA, document, body="x", after=first)
    is_there, is_not = endings(
        library, "provider", MIRA, document, {"body": "secret of Otto", "after": forged}, {"body": "x", "after": forged}
    )
    assert is_there == is_not


SUBSCRIPTIONS = {
    "live query": (
        "subscription ($body: String!, $it: timestamptz!)"
        " { message(where: {body: {_eq: $body}, updated_at: {_gt: $it}}) { id } }"
    ),
    "stream": (
        "subscription ($body: String!, $it: timestamptz!) { message_stream(batch_size: 1,"
        " cursor: {initial_value: {updated_at: $it}}, where: {body: {_eq: $body}}) { id } }"
    ),
}


@pytest.mark.parametrize("document", SUBSCRIPTIONS.values(), ids=SUBSCRIPTIONS.keys())
def test_a_subscription_with_a_value_that_is_none_fails_before_rows_are_compared(
    library: Database, document: str
) -> None:
    for body in ("secret of Otto", "nothing"):
        with pytest.raises(GraphQLRequestError) as refused:
            library.subscribe("provider", MIRA, document, body=body, it="garbage")
        assert refused.value.code == "data-exception"
    assert library.subscribe("provider", PIA, SUBSCRIPTIONS["live query"], body="secret of Olga", it="yesterday")


def test_a_filter_that_looks_elsewhere_for_something_of_the_row_hides_texts_as_well(
    house: House, library: Database
) -> None:
    # No relationship leads there, but the row's own column is compared.
    elsewhere = {"_table": {"schema": "public", "name": "staff"}, "_where": {"id": {"_ceq": ["$", "sender_staff_id"]}}}
    rules = {
        "reader": {
            "public.message": TablePermissions(select=Select(columns=("id", "body"), filter={"_exists": elsewhere}))
        }
    }
    with house.ruled_by(rules):
        document = PATTERN.replace("OPERATOR", "_like")
        assert library.ask("reader", NOBODY, document, it="advice for %").data["message"]
        # A customer's, who is no staff.
        tries = [{"it": "secret of Ott\\"}, {"it": "secret of Xxx\\"}]
        is_there, is_not = endings(library, "reader", NOBODY, document, *tries)
    assert is_there == is_not
