"""`python -m local.tasks` as a program: a SIGKILL amid its work loses no task and frees no name."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import pytest
from google.api_core.exceptions import AlreadyExists, GoogleAPICallError
from google.cloud.tasks_v2 import CloudTasksAsyncClient, HttpMethod, HttpRequest, Task
from google.cloud.tasks_v2.services.cloud_tasks.transports.grpc_asyncio import CloudTasksGrpcAsyncIOTransport

from tests.integration.pubsub.receiver import Push, Receiver
from tests.integration.pubsub.server import ROOT, free_port
from tests.integration.tasks.conftest import QUEUE
from tests.integration.tasks.test_cloud_tasks import until
from tests.integration.triggers.relays import eventually

PORTS = (free_port(), free_port())


@asynccontextmanager
async def program(home: Path, identity: str) -> AsyncIterator[CloudTasksAsyncClient]:
    """It, ready, on the same ports each time, and Google's client of it; killed at the end."""
    process = start(home, identity)
    channel = grpc.aio.insecure_channel(f"127.0.0.1:{PORTS[0]}")
    client = CloudTasksAsyncClient(transport=CloudTasksGrpcAsyncIOTransport(channel=channel))

    async def answers() -> bool:
        assert process.poll() is None, (home / "log").read_text()
        try:
            await client.get_queue(name=QUEUE, retry=None, timeout=1)
        except GoogleAPICallError:
            return False
        return True

    try:
        await eventually(answers)
        yield client
    finally:
        process.kill()
        await asyncio.to_thread(process.wait, 20)
        await channel.close(None)


def start(home: Path, identity: str) -> subprocess.Popen[bytes]:
    with (home / "log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "local.tasks"],
            cwd=ROOT,
            env={
                **os.environ,
                "CAREGRAPH_HOME": str(home),
                "PORT": str(PORTS[0]),
                "CAREGRAPH_PORT_TASKS_CONTROL": str(PORTS[1]),
                "CAREGRAPH_IDENTITY_URL": identity,
            },
            stdout=log,
            stderr=log,
        )


def task(url: str, name: str) -> Task:
    request = HttpRequest(url=url, http_method=HttpMethod.POST, headers={"x-name": name}, body=b"{}")
    return Task(name=f"{QUEUE}/tasks/{name}", http_request=request)


async def test_killed_amid_its_deliveries_it_delivers_what_was_not_acknowledged(tmp_path: Path, identity: str) -> None:
    names = {f"task-{number}" for number in range(20)}
    acknowledged: list[str] = []
    killed = False

    def answer(push: Push, _: int) -> int:
        # After five, nobody takes any more until it was killed.
        if len(acknowledged) >= 5 and not killed:
            return 503
        acknowledged.append(push.headers["x-name"])
        return 204

    with Receiver(answer) as receiver:
        async with program(tmp_path, identity) as client:
            for name in sorted(names):
                await client.create_task(parent=QUEUE, task=task(receiver.url, name), retry=None, timeout=5)
            await until(lambda: len(receiver.pushes) >= 10)
        killed = True
        async with program(tmp_path, identity) as client:
            await until(lambda: set(acknowledged) == names, within_s=30)
            # Each name is taken still, done or not.
            with pytest.raises(AlreadyExists):
                await client.create_task(parent=QUEUE, task=task(receiver.url, "task-0"), retry=None, timeout=5)
    # At most what was under way when it was killed came twice.
    assert len(acknowledged) <= len(names) + 5
