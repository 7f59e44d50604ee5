"""The short way to the endpoint and uvicorn's own: the same answers to whatever a client may send."""

import asyncio
import json
import re
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import pytest
import uvicorn

from integrations.telemetry.backlog import flush_backlogs
from integrations.telemetry.logging import configure_logging
from integrations.telemetry.metrics import render_metrics
from server.application import create_application
from server.authentication.settings import AuthenticationSettings
from server.direct import DIRECT, DirectEndpoint, Headers
from server.protocol import GraphQLProtocol
from server.settings import ServerSettings

SECRET = "a secret for tests"
PATH = "/v1/graphql"
QUERY = b'{"query": "{ treatment(where: {name: {_eq: \\"\\"}}) { name } }"}'
TIMEOUT_S = 10


@dataclass(kw_only=True)
class Served:
    """A running server; the requests that took the short way are counted."""

    port: int
    server: uvicorn.Server
    short: list[bytes] = field(default_factory=list)
    #: Set to let requests on the short way be answered.
    open: asyncio.Event = field(default_factory=asyncio.Event)
    #: Set when a request took the short way.
    begun: asyncio.Event = field(default_factory=asyncio.Event)


@asynccontextmanager
async def serving(
    database_url: str, protocol: type[Any] | str, *, authentication: dict[str, Any] | None = None, **settings: Any
) -> AsyncIterator[Served]:
    application = create_application(
        ServerSettings(database_url=database_url, **settings),
        AuthenticationSettings(own_admin_secret=SECRET, **(authentication or {})),
    )
    config = uvicorn.Config(application, http=protocol, log_config=None, access_log=False, lifespan="on")
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    await server.startup(sockets=[listener])
    await server.on_tick(0)
    served = Served(port=listener.getsockname()[1], server=server)
    served.open.set()
    if protocol is GraphQLProtocol:
        watch(server.lifespan.state[DIRECT], served, server)
    try:
        yield served
    finally:
        served.open.set()
        await server.shutdown(sockets=[listener])


def watch(direct: DirectEndpoint, served: Served, server: uvicorn.Server) -> None:
    respond = direct.respond

    class Watched(DirectEndpoint):
        async def respond(self, headers: Headers, body: bytes, address: str) -> tuple[bytes, bytes]:
            served.short.append(body)
            served.begun.set()
            await served.open.wait()
            return await respond(headers, body, address)

    direct.__class__ = Watched
    assert server.lifespan.state[DIRECT] is direct


@pytest.fixture
async def short(demo_database_url: str) -> AsyncIterator[Served]:
    async with serving(demo_database_url, GraphQLProtocol) as served:
        yield served


@dataclass(frozen=True, kw_only=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def comparable(self) -> tuple[int, dict[str, str], bytes]:
        """What doesn't differ from one request to the next."""
        return self.status, {n: v for n, v in self.headers.items() if n not in ("date", "x-request-id")}, self.body


class Client:
    """A connection on which anything can be written."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer

    async def answer(self) -> Answer:
        async with asyncio.timeout(TIMEOUT_S):
            head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            first, *lines = head.strip().split("\r\n")
            pairs = [line.split(": ", 1) for line in lines]
            headers = {name.lower(): value for name, value in pairs}
            assert len(headers) == len(pairs), f"a header is there twice: {head}"
            body = await self._reader.readexactly(int(headers.get("content-length", "0")))
        return Answer(status=int(first.split()[1]), headers=headers, body=body)

    async def ended(self) -> bool:
        async with asyncio.timeout(TIMEOUT_S):
            return await self._reader.read(1) == b""


@asynccontextmanager
async def connected(served: Served) -> AsyncIterator[Client]:
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    try:
        yield Client(reader, writer)
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


def post(body: bytes, *headers: bytes, path: str = PATH, version: str = "1.1", secret: str = SECRET) -> bytes:
    lines = [
        f"POST {path} HTTP/{version}".encode(),
        b"Host: api.test",
        b"Content-Type: application/json",
        f"X-Hasura-Admin-Secret: {secret}".encode(),
        *headers,
    ]
    if not any(header.lower().startswith(b"transfer-encoding") for header in headers):
        lines.append(f"Content-Length: {len(body)}".encode())
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def chunked(body: bytes, *headers: bytes) -> bytes:
    half = len(body) // 2
    pieces = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in (body[:half], body[half:]))
    return post(pieces + b"0\r\n\r\n", b"Transfer-Encoding: chunked", *headers)


LARGE = json.dumps({"query": "{ treatment { name } }", "variables": {}, "padding": "x" * 100_000}).encode()
TOO_LARGE = json.dumps({"query": "{ treatment { name } }", "padding": "x" * 2_000_000}).encode()

REQUESTS = {
    "a query": (post(QUERY), True),
    "a mutation": (
        post(b'{"query": "mutation { delete_referral(where: {code: {_eq: \\"\\"}}) { affected_rows } }"}'),
        True,
    ),
    "an answer of many kilobytes": (
        post(b'{"query": "{ customer(order_by: {id: asc}) { id email city created_at } }"}'),
        True,
    ),
    "a batch": (post(b"[%b, %b]" % (QUERY, QUERY)), True),
    "an answer that is an error": (post(b'{"query": "{ nothing_of_that_name }"}'), True),
    "no JSON": (post(b"{"), True),
    "an empty body": (post(b""), True),
    "a wrong secret": (post(QUERY, secret="guessed"), True),
    "a dry run": (post(QUERY, b"X-Caregraph-Dry-Run: true"), True),
    "a body of a hundred kilobytes": (post(LARGE), False),
    "a body above the limit": (post(TOO_LARGE), False),
    "a body in chunks": (chunked(QUERY), False),
    "a query string": (post(QUERY, path=f"{PATH}?debug=1"), False),
    "another path": (post(QUERY, path="/v2/graphql"), False),
    "HTTP/1.0": (post(QUERY, version="1.0"), False),
    "a connection to be closed": (post(QUERY, b"Connection: close"), False),
    "a body that waits to be asked for": (post(QUERY, b"Expect: 100-continue"), False),
    "GET": (b"GET /v1/graphql HTTP/1.1\r\nHost: api.test\r\n\r\n", False),
    "OPTIONS": (b"OPTIONS /v1/graphql HTTP/1.1\r\nHost: api.test\r\n\r\n", False),
}


async def first_answer(served: Served, request: bytes) -> Answer:
    async with connected(served) as client:
        client.writer.write(request)
        answer = await client.answer()
        return await client.answer() if answer.status == 100 else answer


@pytest.mark.parametrize("name", REQUESTS)
async def test_both_ways_give_the_same_answer(name: str, demo_database_url: str, short: Served) -> None:
    request, is_short = REQUESTS[name]
    async with serving(demo_database_url, "httptools") as long:
        expected = await first_answer(long, request)
    found = await first_answer(short, request)
    assert found.comparable == expected.comparable
    assert set(found.headers) == set(expected.headers)
    assert bool(short.short) is is_short


async def test_requests_of_one_connection_are_answered_one_after_the_other_on_changing_ways(short: Served) -> None:
    async with connected(short) as client:
        for request, is_short in [(post(QUERY), True), (chunked(QUERY), False), (post(QUERY), True)]:
            before = len(short.short)
            client.writer.write(request)
            answer = await client.answer()
            assert (answer.status, answer.body) == (200, b'{"data":{"treatment":[]}}')
            assert (len(short.short) > before) is is_short


async def test_requests_that_come_before_the_last_was_answered_are_answered_in_their_order(short: Served) -> None:
    names = ["first", "second", "third"]
    async with connected(short) as client:
        short.open.clear()
        client.writer.write(b"".join(post(b'{"query": "{ %b: __typename }"}' % name.encode()) for name in names))
        await client.writer.drain()
        short.open.set()
        answers = [json.loads((await client.answer()).body) for _ in names]
    assert answers == [{"data": {name: "query_root"}} for name in names]


async def test_a_request_may_come_byte_by_byte(short: Served) -> None:
    async with connected(short) as client:
        for byte in post(QUERY):
            client.writer.write(bytes([byte]))
            await client.writer.drain()
        assert (await client.answer()).body == b'{"data":{"treatment":[]}}'
    assert short.short == [QUERY]


async def test_a_request_on_the_short_way_has_its_id_its_line_and_its_count(
    short: Served, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging("api", "json")
    name = 'caregraph_http_request_duration_seconds_count{method="POST",route="/v1/graphql",status="200"}'
    before = count(name)
    async with connected(short) as client:
        client.writer.write(post(QUERY, b"X-Request-Id: mine-1"))
        answer = await client.answer()
    flush_backlogs()
    line = json.loads(capsys.readouterr().err.splitlines()[-1])
    assert answer.headers["x-request-id"] == "mine-1"
    assert (line["event"], line["request_id"], line["status"]) == ("http.request", "mine-1", 200)
    assert line["bytes"] == len(answer.body)
    assert count(name) == before + 1


async def test_what_was_put_off_is_done_soon(short: Served, capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("api", "json")
    async with connected(short) as client, asyncio.timeout(TIMEOUT_S):
        client.writer.write(post(QUERY) + post(QUERY))
        await client.answer()
        await client.answer()
        text = ""
        while text.count('"http.request"') < 2:
            await asyncio.sleep(0.005)
            text += capsys.readouterr().err


def count(name: str) -> float:
    found = re.search(rf"^{re.escape(name)} (\S+)$", render_metrics()[0].decode(), re.MULTILINE)
    return float(found[1]) if found else 0.0


@pytest.mark.parametrize(
    "endless",
    [b"x" * 4_000, b"X-Short: x\r\n" * 400],
    ids=["a header", "headers"],
)
async def test_headers_without_end_end_the_connection(endless: bytes, short: Served) -> None:
    async with connected(short) as client:
        client.writer.write(post(QUERY)[: -len(QUERY) - 2])
        answered = asyncio.create_task(client.answer())
        while not answered.done():
            client.writer.write(endless)
            await asyncio.wait([answered], timeout=0.001)
        answer = await answered
        assert (answer.status, answer.headers["connection"]) == (400, "close")
        assert answer.body == b"The request's headers go over the limit of 65536 bytes."
        assert await client.ended()
    async with connected(short) as client:
        client.writer.write(post(QUERY))
        assert (await client.answer()).status == 200


async def test_large_requests_one_behind_the_other_are_no_headers_without_end(short: Served) -> None:
    body = json.dumps({"query": "{ __typename }", "padding": "x" * 200_000}).encode()
    async with connected(short) as client:
        for start in range(0, len(whole := post(body) * 3), 150_000):
            client.writer.write(whole[start : start + 150_000])
        for _ in range(3):
            assert (await client.answer()).body == b'{"data":{"__typename":"query_root"}}'


@pytest.mark.parametrize("sent", [30, 200, len(post(LARGE)) - 10], ids=["head", "short body", "long body"])
async def test_the_rest_of_a_request_is_not_waited_for_without_end(
    sent: int, short: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.protocol._REQUEST_TIMEOUT_S", 0.2)
    request = post(LARGE) if sent > 1_000 else post(QUERY)
    async with connected(short) as client:
        client.writer.write(request[:sent])
        assert await client.ended()
    # Who sends all of it in time has as long as ever for the next one.
    async with connected(short) as client:
        for _ in range(2):
            client.writer.write(request[:sent])
            await client.writer.drain()
            await asyncio.sleep(0.15)
            client.writer.write(request[sent:])
            assert (await client.answer()).status == 200


async def test_a_connection_is_kept_while_requests_come_and_closed_once_none_came_for_long(
    demo_database_url: str,
) -> None:
    async with serving(demo_database_url, GraphQLProtocol) as served, connected(served) as client:
        (protocol,) = served.server.server_state.connections
        assert isinstance(protocol, GraphQLProtocol)
        protocol.timeout_keep_alive = 0.2  # type: ignore[assignment] # uvicorn counts in whole seconds
        loop = asyncio.get_running_loop()
        began = loop.time()
        # On both ways, and longer in all than it may be idle.
        while loop.time() < began + 0.5:
            for path in (PATH, "/healthz"):
                client.writer.write(post(QUERY, path=path))
                await client.answer()
            await asyncio.sleep(0.05)
        # One that takes long is answered.
        served.open.clear()
        client.writer.write(post(QUERY))
        await asyncio.sleep(0.5)
        served.open.set()
        assert (await client.answer()).status == 200
        answered = loop.time()
        assert await client.ended()
        assert 0.15 < loop.time() - answered < 2


async def test_a_post_that_would_become_a_websocket_is_answered(short: Served) -> None:
    async with connected(short) as client:
        client.writer.write(post(QUERY, b"Connection: Upgrade", b"Upgrade: websocket"))
        # What follows such a head is no body to the parser.
        assert json.loads((await client.answer()).body)["errors"][0]["extensions"]["code"] == "invalid-json"


async def test_headers_behind_a_body_are_nobody_s(short: Served) -> None:
    pieces = b"%x\r\n%b\r\n0\r\nX-Hasura-Role: user\r\nX-Request-Id: late\r\n\r\n" % (len(QUERY), QUERY)
    async with connected(short) as client:
        client.writer.write(post(pieces, b"Transfer-Encoding: chunked", b"X-Request-Id: early"))
        answer = await client.answer()
        assert (answer.body, answer.headers["x-request-id"]) == (b'{"data":{"treatment":[]}}', "early")


async def test_a_body_without_end_is_answered_and_ends_the_connection(short: Served) -> None:
    async with connected(short) as client:
        client.writer.write(post(b"", b"Transfer-Encoding: chunked"))
        with suppress(ConnectionError):
            for _ in range(40):
                client.writer.write(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
                await client.writer.drain()
        answer = await client.answer()
        assert b"CAREGRAPH_MAX_REQUEST_BYTES" in answer.body
        assert answer.headers["connection"] == "close"


async def test_a_client_that_leaves_early_harms_nobody(short: Served) -> None:
    short.open.clear()
    async with connected(short) as client:
        client.writer.write(post(QUERY))
        await client.writer.drain()
        await short.begun.wait()
    short.open.set()
    async with connected(short) as client:
        client.writer.write(post(QUERY))
        assert (await client.answer()).status == 200


async def test_a_server_that_stops_answers_what_it_has_begun_and_closes_the_connection(demo_database_url: str) -> None:
    async with AsyncExitStack() as stack:
        served = await stack.enter_async_context(serving(demo_database_url, GraphQLProtocol))
        client = await stack.enter_async_context(connected(served))
        served.open.clear()
        client.writer.write(post(QUERY))
        await served.begun.wait()
        for connection in list(served.server.server_state.connections):
            connection.shutdown()
        served.open.set()
        answer = await client.answer()
        assert (answer.status, answer.headers["connection"]) == (200, "close")
        assert await client.ended()


async def test_a_mistake_of_ours_is_a_500_without_its_text(
    short: Served, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging("api", "json")

    async def broken(*_: object) -> bytes:
        raise RuntimeError("hunter2")

    direct = short.server.lifespan.state[DIRECT]
    monkeypatch.setattr(direct._endpoint, "answer", broken)
    async with connected(short) as client:
        client.writer.write(post(QUERY))
        answer = await client.answer()
        assert (answer.status, answer.body) == (500, b"Internal Server Error")
        assert await client.ended()
    flush_backlogs()
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [line["status"] for line in lines if line["event"] == "http.request"] == [500]


async def test_pages_of_other_origins_get_their_headers(demo_database_url: str) -> None:
    origin = "https://portal.example"
    async with serving(demo_database_url, GraphQLProtocol, cors_origins=(origin,)) as served:
        answer = await first_answer(served, post(QUERY, f"Origin: {origin}".encode()))
        assert answer.headers["access-control-allow-origin"] == origin
        assert not served.short
        await first_answer(served, post(QUERY))
        assert served.short
