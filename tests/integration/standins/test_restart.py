"""What a stand-in has said and done outlives its process."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from integrations.chargebee.client import ChargebeeClient
from integrations.iterable.client import IterableClient
from integrations.iterable.types import Recipient
from integrations.zendesk.client import ZendeskClient
from local.layout import HOST
from local.standin.run import running
from tests.integration.standins.conftest import (
    Operator,
    build_chargebee,
    build_iterable,
    chargebee_settings,
    iterable_settings,
    plain_client,
    zendesk_settings,
)

ROOT = Path(__file__).resolve().parents[3]


async def test_objects_keys_and_versions_survive_a_restart(tmp_path: Path) -> None:
    async with (
        running(build_chargebee, tmp_path) as standin,
        ChargebeeClient(chargebee_settings(standin.port)) as client,
    ):
        before = await client.update_subscription_contract("ada-basic", "contract-1", "event-1")
    async with (
        running(build_chargebee, tmp_path) as standin,
        ChargebeeClient(chargebee_settings(standin.port)) as client,
    ):
        replayed = await client.update_subscription_contract("ada-basic", "contract-1", "event-1")
        assert replayed.replayed
        assert replayed.resource_version == before.resource_version
        later = await client.update_subscription_contract("ada-basic", "contract-2", "event-2")
        assert later.resource_version > before.resource_version


async def test_what_was_received_and_the_clock_survive_a_restart(tmp_path: Path, operator: Operator) -> None:
    recipient = Recipient(user_id="ada", email="ada@example.com")
    async with running(build_iterable, tmp_path) as standin:
        async with IterableClient(iterable_settings(standin.url)) as client:
            await client.send_email("welcome", recipient, {}, idempotency_key="event-1")
        await operator.post(standin, "clock", {"now": "2030-01-01T00:00:00Z"})
        before = await operator.received(standin)
    async with running(build_iterable, tmp_path) as standin:
        assert await operator.received(standin) == before
        assert standin.service.clock.now().year == 2030
        async with IterableClient(iterable_settings(standin.url)) as client:
            assert (await client.send_email("welcome", recipient, {}, idempotency_key="event-1")).replayed


async def test_a_started_store_is_not_seeded_again(tmp_path: Path) -> None:
    async with running(build_chargebee, tmp_path) as standin:
        standin.service.store.execute("DELETE FROM document WHERE kind = 'item_price'")
    async with running(build_chargebee, tmp_path) as standin:
        assert standin.service.store.counts() == {"customer": 1, "subscription": 1}


async def test_a_killed_program_has_lost_nothing_that_it_answered(tmp_path: Path) -> None:
    port = free_port()
    async with program("zendesk", port, tmp_path) as process:
        async with ZendeskClient(zendesk_settings(f"http://{HOST}:{port}")) as client:
            user = await client.upsert_user("customer-1", name="Ada")
            ticket = await client.create_ticket(
                requester_id=user.id, subject="Payment", body="Invoice 7", idempotency_key="event-1"
            )
        process.send_signal(signal.SIGKILL)
        await process.wait()
    async with (
        program("zendesk", port, tmp_path),
        ZendeskClient(zendesk_settings(f"http://{HOST}:{port}")) as client,
    ):
        assert (await client.get_ticket(ticket.id)).subject == "Payment"
        again = await client.create_ticket(
            requester_id=user.id, subject="Payment", body="Invoice 7", idempotency_key="event-1"
        )
        assert (again.id, again.replayed) == (ticket.id, True)


@pytest.mark.parametrize("name", ["chargebee", "iterable"])
async def test_each_program_starts_with_its_data_and_stops_when_told(name: str, tmp_path: Path) -> None:
    port = free_port()
    async with program(name, port, tmp_path) as process:
        async with plain_client() as http:
            documents = (await http.get(f"http://{HOST}:{port}/_control")).json()["documents"]
        assert documents.get("customer", 0) >= 200 or documents.get("campaign", 0) > 0
        process.terminate()
        assert await asyncio.wait_for(process.wait(), 10) in (0, -signal.SIGTERM)
    assert (tmp_path / "standins" / name / "state.sqlite3").exists()


@asynccontextmanager
async def program(name: str, port: int, home: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """``python -m local.NAME``, ready for requests; ended with the block."""
    environment = {
        **os.environ,
        "PORT": str(port),
        "CAREGRAPH_HOME": str(home),
        "CAREGRAPH_LOG_LEVEL": "warning",
        "ZENDESK_EMAIL": "care@example.com",
        "ZENDESK_API_TOKEN": "token",
    }
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", f"local.{name}", cwd=ROOT, env=environment)
    try:
        await until_healthy(process, port)
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def until_healthy(process: asyncio.subprocess.Process, port: int) -> None:
    # Another process gives no event to wait for, so it is asked.
    async with asyncio.timeout(20), plain_client() as http:
        while process.returncode is None:
            try:
                if (await http.get(f"http://{HOST}:{port}/healthz")).status_code == 200:
                    return
            except httpx.TransportError:
                await asyncio.sleep(0.05)
    raise AssertionError(f"the program ended with {process.returncode}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port
