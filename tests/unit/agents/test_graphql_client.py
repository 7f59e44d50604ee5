"""The client of the endpoint: what it sends, what it makes of answers, when it tries again."""

import uuid
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from starlette.responses import JSONResponse, Response

from agents.graphql.client import GraphQLClient
from agents.graphql.columns import ByColumns, request_of
from agents.graphql.connections import Connections
from agents.graphql.errors import (
    AnswerMismatch,
    ConstraintViolated,
    CredentialsRefused,
    EndpointUnavailable,
    GraphQLError,
    OperationRefused,
    PermissionDenied,
    ServerFault,
)
from agents.runtime.operations import find_inbox_entry, publish_event, record_inbox
from integrations.telemetry.tracing import continue_trace
from tests.unit.agents.scripted_endpoint import InProcess, ScriptedEndpoint, Token, on, refusal, unavailable

EVENT = uuid.UUID("0190a6a0-0000-7000-8000-00000000000a")
QUERY = find_inbox_entry(agent="probe", event_id=EVENT)
TRACE = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"


@pytest.fixture
def endpoint() -> ScriptedEndpoint:
    return ScriptedEndpoint()


@pytest.fixture
def token() -> Token:
    return Token()


@pytest.fixture
async def graphql(endpoint: ScriptedEndpoint, token: Token) -> GraphQLClient:
    return GraphQLClient(endpoint=InProcess(endpoint.app()), token=token, deadline_s=5)


async def test_an_answer_becomes_its_type(graphql: GraphQLClient, endpoint: ScriptedEndpoint) -> None:
    assert (await graphql.query(QUERY)).entry is None

    endpoint.inbox.add(str(EVENT))
    entry = (await graphql.query(QUERY)).entry

    assert entry is not None
    assert entry.event_id == EVENT


async def test_a_request_says_who_asks_in_which_role_and_trace(
    graphql: GraphQLClient, endpoint: ScriptedEndpoint
) -> None:
    with continue_trace(TRACE) as trace:
        await graphql.query(QUERY)

    name, headers = endpoint.requests[0]
    assert name == "FindInboxEntry"
    assert headers["authorization"] == "Bearer token-0"
    assert headers["x-hasura-role"] == "service"
    assert headers["traceparent"] == trace.traceparent
    assert trace.trace_id == "a" * 32


async def test_several_mutations_are_one_request(graphql: GraphQLClient, endpoint: ScriptedEndpoint) -> None:
    await graphql.mutate(
        record_inbox(event_id=EVENT), publish_event(id=EVENT, type="t", subject="s", data={"a": [1, None]})
    )

    assert len(endpoint.requests) == 1
    assert [name for name, _ in endpoint.written] == ["insert_events_inbox", "publish_event"]
    assert endpoint.written[1][1] == {"id": str(EVENT), "type": "t", "subject": "s", "data": {"a": [1, None]}}


async def test_values_of_every_kind_are_written_as_json(graphql: GraphQLClient, endpoint: ScriptedEndpoint) -> None:
    at = datetime(2026, 2, 28, 12, 30, tzinfo=UTC)
    for amount in (Decimal("0.10"), 1):
        data = {"id": EVENT, "at": at, "day": at.date(), "amount": amount, "large": 2**70 if amount != 1 else 2**53}
        await graphql.mutate(publish_event(id=EVENT, type="t", subject="s", data=data))

    (exact, plain) = (written["data"] for _, written in endpoint.written)
    assert (exact["amount"], exact["large"]) == ("0.10", 2**70)
    assert (plain["amount"], plain["large"]) == (1, 2**53)
    for written in (exact, plain):
        assert (written["id"], written["day"]) == (str(EVENT), "2026-02-28")
        assert datetime.fromisoformat(written["at"]) == at


async def test_no_answer_is_asked_for_again(graphql: GraphQLClient, endpoint: ScriptedEndpoint) -> None:
    endpoint.scripts += [on("FindInboxEntry", unavailable()), on("FindInboxEntry", unavailable(503))]

    await graphql.query(QUERY)

    assert len(endpoint.requests) == 3


async def test_a_repeated_write_back_is_refused_by_the_inbox(
    graphql: GraphQLClient, endpoint: ScriptedEndpoint
) -> None:
    endpoint.lost_answers.append("RecordInbox")

    with pytest.raises(ConstraintViolated) as caught:
        await graphql.mutate(record_inbox(event_id=EVENT))

    assert caught.value.constraint == "inbox_pkey"
    assert endpoint.rows("events_inbox") == [{"event_id": str(EVENT)}]


async def test_an_endpoint_that_stays_away_is_given_up(graphql: GraphQLClient, endpoint: ScriptedEndpoint) -> None:
    endpoint.scripts += [on("FindInboxEntry", unavailable()) for _ in range(5)]

    with pytest.raises(EndpointUnavailable, match="answered 502 without"):
        await graphql.query(QUERY)

    assert len(endpoint.requests) == 3


async def test_an_endpoint_that_is_not_there_is_unavailable(token: Token) -> None:
    async with Connections("http://127.0.0.1:1/v1/graphql") as connections:
        client = GraphQLClient(endpoint=connections, token=token)

        with pytest.raises(EndpointUnavailable, match="Unanswered"):
            await client.query(QUERY)


async def test_an_endpoint_that_never_answers_is_unavailable(endpoint: ScriptedEndpoint, token: Token) -> None:
    endpoint.open.clear()
    client = GraphQLClient(endpoint=InProcess(endpoint.app()), token=token, deadline_s=0.05)

    with pytest.raises(EndpointUnavailable, match=r"within 0\.05 s"):
        await client.mutate(record_inbox(event_id=EVENT))


async def test_a_refused_token_is_thrown_away_and_another_tried(
    graphql: GraphQLClient, endpoint: ScriptedEndpoint, token: Token
) -> None:
    endpoint.scripts.append(on("FindInboxEntry", refusal("invalid-jwt")))

    await graphql.query(QUERY)

    assert token.discarded == 1
    assert endpoint.requests[-1][1]["authorization"] == "Bearer token-1"


async def test_a_second_refusal_of_the_token_is_final(graphql: GraphQLClient, endpoint: ScriptedEndpoint) -> None:
    endpoint.scripts += [on("FindInboxEntry", refusal("access-denied")) for _ in range(3)]

    with pytest.raises(CredentialsRefused):
        await graphql.query(QUERY)

    assert len(endpoint.requests) == 2


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("validation-failed", OperationRefused),
        ("parse-failed", OperationRefused),
        ("constraint-violation", ConstraintViolated),
        ("permission-error", PermissionDenied),
        ("unexpected", ServerFault),
        ("something-new", OperationRefused),
    ],
)
async def test_a_refusal_is_told_apart_by_its_code_and_not_repeated(
    graphql: GraphQLClient, endpoint: ScriptedEndpoint, code: str, kind: type[GraphQLError]
) -> None:
    endpoint.scripts.append(on("FindInboxEntry", refusal(code, path="$.selectionSet.x")))

    with pytest.raises(OperationRefused) as caught:
        await graphql.query(QUERY)

    assert type(caught.value) is kind
    assert (caught.value.code, caught.value.path) == (code, "$.selectionSet.x")
    assert len(endpoint.requests) == 1


@pytest.mark.parametrize("errors", [[{}], ["text"], [{"message": "m"}], [{"extensions": None}], {"a": 1}])
async def test_an_error_of_another_shape_is_still_an_error(
    graphql: GraphQLClient, endpoint: ScriptedEndpoint, errors: object
) -> None:
    endpoint.scripts.append(on("FindInboxEntry", JSONResponse({"errors": errors})))

    with pytest.raises(ServerFault):
        await graphql.query(QUERY)


@pytest.mark.parametrize("data", [{}, {"entry": {"event_id": "ada@example.com"}}, {"entry": []}, None, []])
async def test_an_answer_of_another_shape_names_the_place_and_no_value(
    graphql: GraphQLClient, endpoint: ScriptedEndpoint, data: object
) -> None:
    endpoint.scripts.append(on("FindInboxEntry", JSONResponse({"data": data})))

    with pytest.raises(AnswerMismatch, match="FindInboxEntry") as caught:
        await graphql.query(QUERY)

    assert "ada" not in str(caught.value)


@pytest.mark.parametrize("answer", [Response(b"{"), Response(b"[]"), Response(b""), JSONResponse({"ok": True}, 200)])
async def test_what_is_not_graphql_is_no_answer(
    graphql: GraphQLClient, endpoint: ScriptedEndpoint, answer: Response
) -> None:
    endpoint.scripts += [on("FindInboxEntry", answer) for _ in range(3)]

    with pytest.raises(EndpointUnavailable):
        await graphql.query(QUERY)


def test_rows_by_columns_are_named_in_the_request() -> None:
    rows = ByColumns({"id": [1, 2], "name": ["a", None]})
    assert request_of("mutation …", {"rows": rows, "more": 1}, "Write") == {
        "query": "mutation …",
        "variables": {"rows": {"id": [1, 2], "name": ["a", None]}, "more": 1},
        "operationName": "Write",
        "extensions": {"columns": ["rows"]},
    }
    assert "extensions" not in request_of("mutation …", {"rows": []}, "Write")


@pytest.mark.parametrize(
    ("values", "sent"),
    [
        (["a", "a"], {"each": "a"}),
        ((None, None), {"each": None}),
        ([[], []], {"each": []}),
        ([1, True], [1, True]),
        ([[1], [True]], [[1], [True]]),
        ([0.0, -0.0], [0.0, -0.0]),
        ([Decimal("1.0"), Decimal("1.0")], [Decimal("1.0"), Decimal("1.0")]),
        (["a", "b", "a"], ["a", "b", "a"]),
    ],
    ids=str,
)
def test_what_all_rows_have_alike_is_sent_once(values: Any, sent: Any) -> None:
    rows = ByColumns({"id": [*range(len(values))], "value": values})
    assert request_of("mutation …", {"rows": rows}, "Write")["variables"]["rows"]["value"] == sent


def test_one_row_says_that_there_is_one() -> None:
    rows = ByColumns({"id": [1], "name": ["a"]})
    assert request_of("mutation …", {"rows": rows}, "Write")["variables"] == {"rows": {"id": [1], "name": ["a"]}}
