"""PostgreSQL itself is killed under the relay, and started again."""

import asyncio
import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from local.postgres import start_postgres
from local.postgres.cluster import remove_cluster
from migrations.runner import upgrade
from tests.integration.pubsub.server import free_port
from tests.integration.triggers.pubsub import Project
from tests.integration.triggers.records import Records
from tests.integration.triggers.relays import all_published, running_relay


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A folder that a server which must not run as root can reach."""
    with tempfile.TemporaryDirectory(prefix="caregraph-postgres-") as folder:
        Path(folder).chmod(0o711)
        yield Path(folder) / "data"
        remove_cluster(Path(folder) / "data")


async def test_a_relay_goes_on_when_a_killed_postgresql_is_back(project: Project, data_dir: Path) -> None:
    port = free_port()
    server = await asyncio.to_thread(start_postgres, data_dir, port=port, durable=False)
    try:
        await upgrade(server.url)
        before = await writer(server.url)
        records = await Records.create(before)
        contract_id = await records.insert_contract()
        async with running_relay(project.settings(server.url, batch=10)):
            for number in range(1, 51):
                await records.touch(contract_id, number)
            os.kill(server.pid, signal.SIGKILL)
            await asyncio.to_thread(server.stop)
            before.terminate()
            server = await asyncio.to_thread(start_postgres, data_dir, port=port, durable=False)
            after = await writer(server.url)
            for number in range(51, 71):
                await records.touch(contract_id, number, after)
            await all_published(after)
            in_commit_order = [
                str(row["id"])
                for row in await after.fetch(
                    "SELECT id FROM events.outbox WHERE subject = $1 ORDER BY sequence", str(contract_id)
                )
            ]
            await after.close()
        assert len(in_commit_order) == 71
        await project.receive_ids(set(in_commit_order))
        assert project.first_occurrences(str(contract_id)) == in_commit_order
    finally:
        await asyncio.to_thread(server.stop)


async def writer(url: str) -> asyncpg.Connection:
    """A connection whose commits outlive the server's processes, as everywhere but on a throw-away server."""
    return await asyncpg.connect(url, server_settings={"synchronous_commit": "on"})
