"""Every limit, on every way in: refused everywhere, and each time with its name, its value and the request's."""

import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from server.limits import RoleLimits
from server.protocol import GraphQLProtocol
from tests.integration.live.sockets import OLDER, TRANSPORT
from tests.integration.live.sockets import connected as socket_connected
from tests.integration.server.test_protocol import SECRET, Served, chunked, first_answer, post, serving

ADMIN = {"x-hasura-admin-secret": SECRET}
TREATMENTS = "{ treatment { name } }"
WAYS = ["short", "long", TRANSPORT, OLDER]

#: A request's payload in, its error out (None when there is none).
Ask = Callable[[dict[str, Any]], Awaitable[dict[str, Any] | None]]


def asking(served: Served, way: str) -> Ask:
    """How to ask as role `user` on this way."""
    if way in (TRANSPORT, OLDER):
        return lambda payload: over_socket(served, way, payload)
    return lambda payload: over_http(served, way, payload)


async def over_http(served: Served, way: str, payload: dict[str, Any]) -> dict[str, Any] | None:
    body = json.dumps(payload).encode()
    headers = (b"X-Hasura-Role: user", b"X-Hasura-User-Id: 00000000-0000-4000-8000-000000000001")
    request = post(body, *headers) if way == "short" else chunked(body, *headers)
    before = len(served.short)
    answer = json.loads((await first_answer(served, request)).body)
    assert (len(served.short) > before) is (way == "short")
    error: dict[str, Any] | None = answer["errors"][0] if "errors" in answer else None
    return error


async def over_socket(served: Served, protocol: str, payload: dict[str, Any]) -> dict[str, Any] | None:
    credentials = {**ADMIN, "x-hasura-role": "user", "x-hasura-user-id": "00000000-0000-4000-8000-000000000001"}
    url = f"http://127.0.0.1:{served.port}"
    async with socket_connected(url, credentials, protocol=protocol) as client:
        kind = "subscribe" if protocol == TRANSPORT else "start"
        await client.send({"id": "1", "type": kind, "payload": payload})
        message = await client.message("1")
        if message["type"] != "error":
            return None
        error: dict[str, Any] = message["payload"][0] if protocol == TRANSPORT else message["payload"]
        return error


@asynccontextmanager
async def limited(url: str, settings: dict[str, Any] | None = None, **limits: Any) -> AsyncIterator[Served]:
    roles = {"user": RoleLimits(**limits)}
    async with serving(url, GraphQLProtocol, limits=roles, **(settings or {})) as served:
        yield served


GOES_OVER: list[tuple[dict[str, Any], str, str, str]] = [
    (
        {"depth": 2},
        "{ customer { contracts { id } } }",
        "the operation goes over the limit depth: 2 allowed, 3 asked for",
        "$.selectionSet.customer",
    ),
    (
        {"root_fields": 2},
        "{ a: treatment { id } b: treatment { id } c: treatment { id } }",
        "the operation goes over the limit root_fields: 2 allowed, 3 asked for",
        "$",
    ),
    (
        {"aliases": 2},
        "{ a: treatment { b: id } ...More } fragment More on query_root { treatment { c: id ...T } } "
        "fragment T on treatment { d: id }",
        "the operation goes over the limit aliases: 2 allowed, 4 asked for",
        "$",
    ),
    (
        {"estimated_rows": 500},
        "{ customer(limit: 10) { contracts(limit: 100) { id } } }",
        "the operation goes over the limit estimated_rows: 500 allowed, 1010 asked for",
        "$.selectionSet.customer",
    ),
    (
        {"introspection": False},
        "{ __schema { queryType { name } } }",
        "introspection is switched off for this role (limit introspection: false)",
        "$.selectionSet.__schema",
    ),
    (
        {"allow_list": True},
        TREATMENTS,
        "the operation is not in the allow-list that role user is held to (limit allow_list: true)",
        "$",
    ),
    (
        {},
        "{ __schema { " + " ".join(f"a{number}: queryType {{ name }}" for number in range(21)) + " } }",
        "the operation goes over the limit aliases of introspection: 20 allowed, 21 asked for",
        "$.selectionSet.__schema",
    ),
]


@pytest.mark.parametrize(("limits", "query", "message", "path"), GOES_OVER, ids=[item[2] for item in GOES_OVER])
async def test_an_operation_beyond_a_limit_is_told_which_and_by_how_much(
    limits: dict[str, Any], query: str, message: str, path: str, demo_database_url: str
) -> None:
    async with limited(demo_database_url, **limits) as served:
        for way in WAYS:
            expected = {"message": message, "extensions": {"code": "validation-failed", "path": path}}
            assert await asking(served, way)({"query": query}) == expected, way


async def test_defaults_let_lists_without_limits_stand_four_deep_and_no_deeper(demo_database_url: str) -> None:
    def nested(lists: int) -> dict[str, Any]:
        inner = "{ contracts { id } }"
        for _ in range(lists - 2):
            inner = f"{{ contracts {{ customer {inner} }} }}"
        return {"query": f"{{ customer {inner} }}"}

    async with limited(demo_database_url) as served:
        ask = asking(served, WAYS[0])
        assert await ask(nested(4)) is None
        error = await ask(nested(5))
        assert error is not None
        assert error["message"].startswith("the operation goes over the limit estimated_rows: 1000000 allowed, ")


async def test_subscriptions_are_held_to_the_same_limits(demo_database_url: str) -> None:
    async with limited(demo_database_url, depth=2, estimated_rows=3) as served:
        for way in (TRANSPORT, OLDER):
            ask = asking(served, way)
            error = await ask({"query": "subscription { customer { contracts { id } } }"})
            assert error is not None
            assert error["message"] == "the operation goes over the limit depth: 2 allowed, 3 asked for"
            error = await ask({"query": "subscription { customer(limit: 4) { id } }"})
            assert error is not None
            assert error["message"] == "the operation goes over the limit estimated_rows: 3 allowed, 4 asked for"
            batch = 'batch_size: 4, cursor: [{initial_value: {start_date: "2020-01-01"}}]'
            error = await ask({"query": f"subscription {{ contract_stream({batch}) {{ id }} }}"})
            assert error is not None
            assert error["message"] == "the operation goes over the limit estimated_rows: 3 allowed, 4 asked for"


async def test_the_time_of_a_role_s_statements_is_limited(demo_database_url: str) -> None:
    async with limited(demo_database_url, statement_timeout_s=0.000_001) as served:
        for way in WAYS:
            error = await asking(served, way)({"query": TREATMENTS})
            assert error is not None
            assert (
                error["message"]
                == "the operation took longer than the limit statement_timeout_s: 1e-06 s, and was stopped"
            )
            assert error["extensions"] == {"code": "unexpected", "path": "$"}


async def test_the_time_of_a_role_s_live_queries_is_limited(demo_database_url: str) -> None:
    async with limited(demo_database_url, statement_timeout_s=0.000_001) as served:
        for way in (TRANSPORT, OLDER):
            error = await asking(served, way)({"query": f"subscription {TREATMENTS}"})
            assert error is not None
            assert (
                error["message"]
                == "the operation took longer than the limit statement_timeout_s: 1e-06 s, and was stopped"
            )


async def test_the_rate_of_a_user_s_operations_is_limited_over_all_ways(demo_database_url: str) -> None:
    async with limited(demo_database_url, rate="4/hour") as served:
        for way in WAYS:
            assert await asking(served, way)({"query": TREATMENTS}) is None
        for way in WAYS:
            error = await asking(served, way)({"query": TREATMENTS})
            assert error is not None
            assert error["extensions"]["code"] == "rate-limit-exceeded"
            assert error["message"].startswith(
                "the caller goes over the limit rate: 4 operations in 3600 s allowed, 5 asked for; "
                "try again at Unix time "
            )


async def test_a_batch_counts_as_many_operations_as_it_has(demo_database_url: str) -> None:
    async with limited(demo_database_url, rate="4/hour") as served:
        headers = (b"X-Hasura-Role: user", b"X-Hasura-User-Id: 1")
        batch = json.dumps([{"query": TREATMENTS}] * 3).encode()
        for expected in (True, False):
            answer = json.loads((await first_answer(served, post(batch, *headers))).body)
            assert isinstance(answer, list) is expected
        assert "4 operations in 3600 s allowed, 6 asked for" in answer["errors"][0]["message"]


async def test_requests_have_a_greatest_size(demo_database_url: str) -> None:
    async with limited(demo_database_url, {"max_request_bytes": 2048}) as served:
        for way in ("short", "long"):
            error = await asking(served, way)({"query": TREATMENTS, "padding": "x" * 3000})
            assert error is not None
            assert error["message"].startswith(
                "the request goes over the limit CAREGRAPH_MAX_REQUEST_BYTES: 2048 bytes allowed, 30"
            )
            assert error["extensions"] == {"code": "validation-failed", "path": "$"}


async def test_a_batch_has_a_greatest_length(demo_database_url: str) -> None:
    async with limited(demo_database_url) as served:
        request = post(json.dumps([{"query": TREATMENTS}] * 101).encode())
        answer = json.loads((await first_answer(served, request)).body)
        message = "a request may batch 100 operations at most, this one has 101"
        assert answer["errors"][0]["message"] == message


# Documents by their hash, and the allow-list


def persisted(query: str, *, with_query: bool) -> dict[str, Any]:
    digest = hashlib.sha256(query.encode()).hexdigest()
    payload = {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": digest}}}
    return {**payload, "query": query} if with_query else payload


async def test_documents_may_come_by_their_hash(demo_database_url: str) -> None:
    async with limited(demo_database_url) as served:
        for number, way in enumerate(WAYS):
            query = f"query Number{number} {TREATMENTS}"
            assert await asking(served, way)(persisted(query, with_query=False)) == {
                "message": "PersistedQueryNotFound",
                "extensions": {"code": "PERSISTED_QUERY_NOT_FOUND", "path": "$"},
            }
            assert await asking(served, way)(persisted(query, with_query=True)) is None
            # What came on one way is known on all.
            for other in WAYS:
                assert await asking(served, other)(persisted(query, with_query=False)) is None


async def test_a_hash_that_is_not_the_document_s_is_refused(demo_database_url: str) -> None:
    async with limited(demo_database_url) as served:
        for way in WAYS:
            ask = asking(served, way)
            wrong = {**persisted(TREATMENTS, with_query=False), "query": "{ treatment { id } }"}
            path = "$.extensions.persistedQuery.sha256Hash"
            assert await ask(wrong) == {
                "message": "the sha256Hash is not the document's",
                "extensions": {"code": "validation-failed", "path": path},
            }
            assert (await ask(persisted(TREATMENTS, with_query=False)) or {})["message"] == "PersistedQueryNotFound"
            for strange in ({"version": 2, "sha256Hash": "x"}, {"version": 1}, {"version": 1, "sha256Hash": 1}):
                error = await ask({"extensions": {"persistedQuery": strange}})
                assert (error or {})["extensions"]["path"] == "$.extensions.persistedQuery"
            strange_extensions: tuple[Any, ...] = ({}, [], None, 1, {"persistedQuery": None}, {"other": 1})
            for nothing in strange_extensions:
                assert await ask({"query": TREATMENTS, "extensions": nothing}) is None
                error = await ask({"extensions": nothing})
                assert (error or {})["message"] == "key 'query' not found"


async def test_the_allow_list_lets_its_operations_through_in_any_spelling(
    demo_database_url: str, tmp_path: Path
) -> None:
    (tmp_path / "known.graphql").write_text("query Known { treatment { name } }\nquery Other { treatment { id } }")
    async with limited(demo_database_url, {"allow_list": tmp_path}, allow_list=True) as served:
        for way in WAYS:
            ask = asking(served, way)
            assert await ask({"query": "query   Known{treatment{name}} # a comment"}) is None
            assert await ask(persisted("query Known{treatment{name}}", with_query=True)) is None
            for query in (TREATMENTS, "query Known { treatment { id } }", "query Known { treatment { name id } }"):
                assert "allow-list" in (await ask({"query": query}) or {})["message"]
                assert "allow-list" in (await ask(persisted(query, with_query=True)) or {})["message"]
                # Nor by its hash.
                assert "allow-list" in (await ask(persisted(query, with_query=False)) or {})["message"]


async def test_subscriptions_may_come_by_their_hash(demo_database_url: str) -> None:
    async with limited(demo_database_url) as served:
        for way in (TRANSPORT, OLDER):
            ask = asking(served, way)
            query = f"subscription Of{way[-4:-3].title()} {TREATMENTS}"
            assert (await ask(persisted(query, with_query=False)) or {})["message"] == "PersistedQueryNotFound"
            assert await ask(persisted(query, with_query=True)) is None
            assert await ask(persisted(query, with_query=False)) is None
