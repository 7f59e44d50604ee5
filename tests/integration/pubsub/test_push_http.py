"""The HTTP client behind push delivery, against servers that misbehave."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from local.pubsub.push.http import BrokenConnectionError, Endpoint, UnreachableError
from tests.integration.pubsub.server import free_port

Respond = Callable[[asyncio.StreamReader, asyncio.StreamWriter, int], Awaitable[None]]


async def read_request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    return head + await reader.readexactly(length)


@asynccontextmanager
async def serving(respond: Respond) -> AsyncIterator[tuple[Endpoint, list[int]]]:
    """An endpoint whose server runs `respond` for each connection; and a list that grows by one for each."""
    connections: list[int] = []

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(len(connections))
        try:
            await respond(reader, writer, connections[-1])
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    endpoint = Endpoint(f"http://127.0.0.1:{port}/events?source=pubsub")
    try:
        yield endpoint, connections
    finally:
        endpoint.close()
        server.close()
        await server.wait_closed()


async def test_connection_is_used_again() -> None:
    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _: int) -> None:
        while True:
            request = await read_request(reader)
            assert request.startswith(b"POST /events?source=pubsub HTTP/1.1\r\nHost: 127.0.0.1:")
            body = request.partition(b"\r\n\r\n")[2]
            writer.write(
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
            )

    async with serving(respond) as (endpoint, connections):
        for text in (b"one", b"two", b"three"):
            answer = await endpoint.post(text, {}, timeout_s=5)
            assert (answer.status, answer.body) == (200, text)
        assert len(connections) == 1


async def test_connection_that_was_closed_while_idle_is_replaced() -> None:
    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, index: int) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        if index == 0:
            # It takes the next request and closes without a word, as a server does whose idle time is over.
            await reader.readuntil(b"\r\n\r\n")

    async with serving(respond) as (endpoint, connections):
        for _ in range(2):
            assert (await endpoint.post(b"x", {}, timeout_s=5)).status == 204
        assert len(connections) == 2


async def test_answer_that_does_not_come_in_time() -> None:
    async def respond(reader: asyncio.StreamReader, _: asyncio.StreamWriter, __: int) -> None:
        await reader.read()

    async with serving(respond) as (endpoint, _):
        with pytest.raises(TimeoutError):
            await endpoint.post(b"x", {}, timeout_s=0.1)


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 20", b"SSH-2.0-OpenSSH_9.6\r\n"])
async def test_answer_that_is_none(answer: bytes) -> None:
    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _: int) -> None:
        await read_request(reader)
        writer.write(answer)

    async with serving(respond) as (endpoint, _):
        with pytest.raises(BrokenConnectionError):
            await endpoint.post(b"x", {}, timeout_s=5)


async def test_interim_answers_are_passed_over_but_102_counts() -> None:
    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _: int) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")
        await read_request(reader)
        writer.write(b"HTTP/1.1 102 Processing\r\n\r\n")
        await reader.read()

    async with serving(respond) as (endpoint, _):
        assert (await endpoint.post(b"x", {}, timeout_s=5)).status == 503
        assert (await endpoint.post(b"x", {}, timeout_s=5)).status == 102


async def test_body_without_a_length_ends_with_the_connection() -> None:
    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _: int) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nuntil the end")

    async with serving(respond) as (endpoint, _):
        assert (await endpoint.post(b"x", {}, timeout_s=5)).status == 200


async def test_nobody_there() -> None:
    endpoint = Endpoint(f"http://127.0.0.1:{free_port()}/")
    with pytest.raises(UnreachableError, match="can't be reached"):
        await endpoint.post(b"x", {}, timeout_s=5)


async def test_header_values_cannot_break_out() -> None:
    seen: list[bytes] = []

    async def respond(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _: int) -> None:
        seen.append(await read_request(reader))
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")

    async with serving(respond) as (endpoint, _):
        with pytest.raises(ValueError, match="header"):
            await endpoint.post(b"x", {"X-Name": "a\r\nInjected: yes"}, timeout_s=5)
        assert seen == []
