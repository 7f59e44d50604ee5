"""Reading and changing go through different clients; whoever calls can't tell which."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

import httpx
import pytest
from pydantic import SecretStr

from integrations.chargebee.settings import ChargebeeSettings
from integrations.chargebee.wire import Wire
from integrations.errors import IntegrationError, TimedOut, Unreachable
from integrations.http import translate

Answering = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def silent(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(30)


async def hanging_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.close()


async def breaking_off(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{")
    await writer.drain()
    writer.close()


async def raving(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"what do you want?\r\n\r\n")
    await writer.drain()
    writer.close()


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    ("answering", "kind"),
    [(silent, TimedOut), (hanging_up, Unreachable), (breaking_off, Unreachable), (raving, Unreachable)],
)
async def test_what_goes_wrong_is_the_same_error_either_way(
    answering: Answering, kind: type[IntegrationError], method: str
) -> None:
    async with listening(answering) as (wire, address):
        with pytest.raises(httpx.HTTPError) as raised:
            await wire.request(method=method, url=address, headers={})
    assert type(translate(raised.value, service="chargebee", operation="test")) is kind


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_nobody_there_is_unreachable_either_way(method: str) -> None:
    async with listening(silent) as (_, address):
        pass
    wire = wire_to(int(address.rsplit(":", 1)[1]))
    try:
        with pytest.raises(httpx.ConnectError):
            await wire.request(method=method, url=address, headers={})
    finally:
        await wire.aclose()
        await wire.aclose()


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_an_answer_comes_whole_with_its_status_and_headers(method: str) -> None:
    asked = asyncio.Queue[bytes]()

    async def compressing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.put_nowait(await reader.readuntil(b"\r\n\r\n"))
        body = gzip.compress(b'{"list":[]}')
        head = f"content-encoding: gzip\r\nretry-after: 7\r\ncontent-length: {len(body)}"
        writer.write(f"HTTP/1.1 429 Too Many Requests\r\n{head}\r\n\r\n".encode() + body)
        await writer.drain()

    async with listening(compressing) as (wire, address):
        answer = await wire.request(
            method=method,
            url=f"{address}/api/v2/invoices",
            headers={"authorization": "Basic abc"},
            params={"sort_by[asc]": "updated_at", "id[in]": '["a b"]'},
        )
    assert (answer.status_code, answer.json(), answer.headers["retry-after"]) == (429, {"list": []}, "7")
    head = (await asked.get()).decode()
    target = "/api/v2/invoices?sort_by%5Basc%5D=updated_at&id%5Bin%5D=%5B%22a+b%22%5D"
    assert head.startswith(f"{method} {target} HTTP/1.1\r\n")
    assert "authorization: Basic abc" in head.replace("Authorization", "authorization")


@asynccontextmanager
async def listening(answering: Answering) -> AsyncIterator[tuple[Wire, str]]:
    """A server that answers so, and a wire to it."""
    handlers: set[asyncio.Task[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        handlers.add(task)
        try:
            await answering(reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    port: int = server.sockets[0].getsockname()[1]
    wire = wire_to(port)
    try:
        yield wire, f"http://127.0.0.1:{port}"
    finally:
        await wire.aclose()
        server.close()
        for task in handlers:
            task.cancel()
        await asyncio.gather(*handlers, return_exceptions=True)


def wire_to(port: int) -> Wire:
    settings = ChargebeeSettings(
        site="127",
        domain=f"0.0.1:{port}",
        protocol="http",
        api_key=SecretStr("key"),
        read_time_out=timedelta(milliseconds=200),
    )
    return Wire(settings, certificates=None)
