"""Whatever is sent over HTTP and WebSocket: a proper answer, on all ways the same, and nothing of it in a statement."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from random import Random
from typing import Any

import pytest
import pytest_asyncio
from graphql import GraphQLSchema
from hypothesis import given
from hypothesis import strategies as st
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from resolvers.pool import Connection
from server.protocol import GraphQLProtocol
from server.source import Source
from tests.databases import create_database, drop_database
from tests.fuzz.documents import MARK, DocumentWriter
from tests.fuzz.judging import judge, watched
from tests.fuzz.requests import ADMIN_SECRET, TOKEN_SECRET, bodies, headers, http_request, mangled, token
from tests.golden.effort import effort
from tests.golden.world import METADATA
from tests.integration.server.test_protocol import Answer, Client, Served, connected, serving

pytestmark = pytest.mark.asyncio(loop_scope="session")

ROLES = ("anonymous", "clerk", "editor", "helper", "member", "reader", "writer")


@dataclass(kw_only=True)
class Ways:
    """Two servers on one database: one has the short way, the other hasn't. And what reached the database."""

    short: Served
    long: Served
    sql: list[str]
    schemas: dict[str, GraphQLSchema]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def ways(postgres_server: str, golden_template: str, golden_source: Source) -> AsyncIterator[Ways]:
    url = await create_database(postgres_server, template=golden_template)
    sql: list[str] = []
    prepare = Connection._prepare

    async def recording(self: Connection, text: str) -> Any:
        sql.append(text)
        return await prepare(self, text)

    settings = {"hasura_metadata": METADATA, "cors_origins": ("https://portal.example",)}
    jwt_settings = {
        "jwt_configurations": ({"type": "HS256", "key": TOKEN_SECRET},),
        "own_unauthorized_role": "anonymous",
    }
    engine = golden_source.engine(None)  # type: ignore[arg-type] # its schemas need no database
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Connection, "_prepare", recording)
        async with AsyncExitStack() as stack:
            served = [
                await stack.enter_async_context(serving(url, kind, authentication=jwt_settings, **settings))
                for kind in (GraphQLProtocol, "httptools")
            ]
            schemas = {role: engine.schema(role).graphql_schema for role in ROLES}
            yield Ways(short=served[0], long=served[1], sql=sql, schemas=schemas)
    await drop_database(postgres_server, url)


@pytest.fixture(autouse=True)
def no_accidents(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Fail when the server logs an exception."""
    caplog.set_level(logging.ERROR)
    yield
    assert [record.getMessage() for record in caplog.records] == []


async def answer(served: Served, request: bytes) -> Answer:
    async with connected(served) as client:
        client.writer.write(request)
        return await _final(client)


async def _final(client: Client) -> Answer:
    found = await client.answer()
    return await client.answer() if found.status == 100 else found


def check(found: Answer, events: list[dict[str, Any]], context: object) -> None:
    """An answer that a client may get."""
    assert found.status in (200, 400, 404, 405), (found, context)
    assert b"Traceback" not in found.body, context
    if found.status == 200 and found.headers.get("content-type", "").startswith("application/json"):
        body = json.loads(found.body)
        for item in body if isinstance(body, list) else [body]:
            judge(json.dumps(item).encode(), [], context)
    for event in events:
        assert event["event"] in ("http.request", "statement_failed"), (event, context)
        assert event.get("status", 200) < 500, (event, context)


REQUEST_ID = "x-request-id"


@effort(200)
@given(
    data=st.data(),
    lines=headers(ROLES),
    method=st.sampled_from(["POST"] * 12 + ["GET", "OPTIONS", "PUT"]),
    path=st.sampled_from(["/v1/graphql"] * 12 + ["/v1/graphql?a=b", "/v1/graphql/", "/v1/GraphQL", "/v1/graph%71l"]),
)
async def test_the_short_way_answers_as_the_long_way_does(
    data: st.DataObject, lines: list[tuple[str, str]], method: str, path: str, ways: Ways
) -> None:
    body = data.draw(bodies())
    if data.draw(st.booleans()):
        body = data.draw(mangled(body))
    request = http_request(body, lines, method=method, path=path)
    with watched() as events:
        short, long = await asyncio.gather(answer(ways.short, request), answer(ways.long, request))
    check(short, events, request)
    assert short.comparable == long.comparable, request
    assert set(short.headers) == set(long.headers), request
    if REQUEST_ID in short.headers:
        # A name of the server's own making differs; one that it took from the request doesn't.
        given_ids = [value for name, value in lines if name.lower() == REQUEST_ID]
        assert (short.headers[REQUEST_ID] in given_ids) is (long.headers[REQUEST_ID] in given_ids), request


def operation(data: st.DataObject, ways: Ways, marked: str) -> tuple[str, dict[str, Any]]:
    """A role, and a payload of an operation that it may send, with texts that are nowhere else."""
    role = data.draw(st.sampled_from(ROLES))
    random = Random(data.draw(st.integers(0, 2**48)))  # noqa: S311 -- not a secret
    hostile = random.random() < 0.5
    writer = DocumentWriter(ways.schemas[role], random, hostile=hostile, mischief=0.0 if hostile else 0.03)
    document = writer.operation("mutation" if random.random() < 0.4 else "query")
    payload: dict[str, Any] = {"query": document.replace(MARK, marked), "variables": writer.variables}
    payload["variables"] = json.loads(json.dumps(payload["variables"]).replace(MARK, marked))
    return role, payload


@effort(100)
@given(data=st.data(), number=st.integers(0, 2**64))
async def test_operations_are_answered_and_their_texts_are_in_no_statement(
    data: st.DataObject, number: int, ways: Ways
) -> None:
    marked = f"zq{number}zq"
    role, payload = operation(data, ways, marked)
    body = json.dumps(payload).encode()
    if data.draw(st.integers(0, 4)) == 0:
        body = data.draw(mangled(body))
    lines = [
        ("X-Hasura-Admin-Secret", ADMIN_SECRET),
        ("X-Hasura-Role", role),
        ("X-Hasura-User-Id", data.draw(st.sampled_from(["1", f"{marked}'", f'{{"{marked}"}}']))),
        ("X-Hasura-Authors", data.draw(st.sampled_from(["{1,2}", f"{{{marked}}}"]))),
        ("X-Hasura-User-Name", f"{marked}'--"),
        (f"X-Hasura-{marked}", marked),
        ("X-Request-Id", marked),
        ("traceparent", data.draw(st.sampled_from(["", marked, "00-" + "a" * 32 + "-" + "b" * 16 + "-01"]))),
    ]
    ways.sql.clear()
    served = data.draw(st.sampled_from([ways.short, ways.long]))
    with watched() as events:
        found = await answer(served, http_request(body, lines, chunked=data.draw(st.booleans())))
    check(found, events, (role, payload))
    assert not any(marked in text for text in ways.sql), (role, payload)


# WebSockets


PROTOCOLS = ("graphql-transport-ws", "graphql-ws")
#: How a socket may end: as the protocols say, or as WebSockets do.
CLOSED = frozenset({1000, 1002, 1003, 1005, 1006, 1007, 1009, 4400, 4401, 4403, 4406, 4408, 4409, 4429})

_ANY = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(["", "1", "x", "{ __typename }", "\x00"]),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["query", "id", "a"]), inner, max_size=2)
    ),
    max_leaves=4,
)
_TYPES = st.sampled_from(
    [
        "connection_init",
        "subscribe",
        "start",
        "stop",
        "complete",
        "ping",
        "pong",
        "connection_terminate",
        "next",
        "error",
    ]
)
_DOCUMENTS = st.sampled_from(
    [
        *("{ __typename }", "subscription { author { id } }", "subscription { author_stream(batch_size: 1) { id } }"),
        'subscription { author_stream(batch_size: 1, cursor: {initial_value: {id: "x"}}) { id } }',
        "subscription { author_stream(batch_size: 2, cursor: {initial_value: {id: 0}}) { id name } }",
        *("mutation { __typename }", "subscription {", "", "subscription { author { id } __typename }", "{ nothing }"),
        "query ($a: Int!) { author_by_pk(id: $a) { id } }",
    ]
)
_PAYLOADS = st.one_of(
    _ANY,
    st.fixed_dictionaries(
        {"query": _DOCUMENTS},
        optional={"variables": _ANY, "operationName": _ANY, "extensions": _ANY | st.just({"persistedQuery": {}})},
    ),
    st.fixed_dictionaries({"headers": _ANY | st.just({"x-hasura-admin-secret": ADMIN_SECRET})}),
)
_MESSAGES = st.one_of(
    st.fixed_dictionaries(
        {"type": _TYPES}, optional={"id": st.sampled_from(["1", "2", 3, None]), "payload": _PAYLOADS}
    ),
    st.builds(lambda query: {"type": "subscribe", "id": "1", "payload": {"query": query}}, _DOCUMENTS),
    st.builds(lambda query: {"type": "start", "id": "2", "payload": {"query": query}}, _DOCUMENTS),
    _ANY,
).map(json.dumps) | st.sampled_from(
    ["", "{", "nonsense", "[" * 2_000, '{"type": "subscribe", "id": "\\ud800"}', "\x00"]
)


@effort(100)
@given(
    data=st.data(),
    protocol=st.sampled_from(PROTOCOLS),
    who=st.sampled_from([{}, {"x-hasura-admin-secret": ADMIN_SECRET}, {"authorization": "Bearer x"}, "token", None]),
    messages=st.lists(_MESSAGES | st.binary(max_size=5), max_size=5),
)
async def test_sockets_answer_or_end_as_their_protocol_says(
    data: st.DataObject, protocol: str, who: Any, messages: list[str | bytes], ways: Ways
) -> None:
    if who == "token":
        who = {"authorization": f"Bearer {token(data.draw(st.sampled_from(ROLES)))}"}
    with watched() as events:
        code, replies = await exchange(ways.short, protocol, who, messages)
    assert code in CLOSED or (protocol == "graphql-ws" and code == 1011), (code, who, messages)
    for reply in replies:
        assert isinstance(reply.get("type"), str), (reply, messages)
        judge_reply(reply, messages)
    for event in events:
        assert event["event"] in ("http.request", "statement_failed"), (event, messages)


async def exchange(
    served: Served, protocol: str, who: Any, messages: list[str | bytes]
) -> tuple[int | None, list[dict[str, Any]]]:
    """Send all messages, then ask for a last answer; the close code and what came back."""
    replies: list[dict[str, Any]] = []
    async with connect(
        f"ws://127.0.0.1:{served.port}/v1/graphql",
        subprotocols=[protocol],  # type: ignore[list-item] # a NewType of str
        proxy=None,
        compression=None,
    ) as client:
        try:
            if who is not None:
                await client.send(json.dumps({"type": "connection_init", "payload": {"headers": who}}))
            for message in messages:
                await client.send(message)
            # Messages are taken in order: this one ends the socket, whatever came before it.
            await client.send("the end" if protocol == "graphql-transport-ws" else '{"type": "connection_terminate"}')
            async with asyncio.timeout(10):
                replies += [json.loads(text) async for text in client]
        except ConnectionClosed:
            pass
    return client.close_code, replies


def judge_reply(reply: dict[str, Any], context: object) -> None:
    payload = reply.get("payload")
    if reply["type"] in ("error", "connection_error"):
        errors = payload if isinstance(payload, list) else [payload]
        if all(isinstance(error, dict) and "extensions" in error for error in errors):
            judge(json.dumps({"errors": errors}).encode(), [], context)
    elif reply["type"] in ("next", "data"):
        judge(json.dumps(payload).encode(), [], context)
