"""The local Cloud Tasks with Google's own client, real tokens, and a receiver."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from google.cloud.tasks_v2 import CloudTasksAsyncClient, HttpMethod, HttpRequest, OidcToken, Task
from google.cloud.tasks_v2.services.cloud_tasks.transports.grpc_asyncio import CloudTasksGrpcAsyncIOTransport

from local.tasks.run import Running, running
from local.tasks.settings import TasksSettings
from tests.integration.identity.serving import http_client
from tests.integration.pubsub.server import running_identity

QUEUE = "projects/caregraph-local/locations/local/queues/scheduled-tasks"
ACCOUNT = "tasks@caregraph-local.iam.gserviceaccount.com"


@dataclass(frozen=True, kw_only=True)
class CloudTasks:
    """A server, and Google's client of it."""

    server: Running
    client: CloudTasksAsyncClient
    http: httpx.AsyncClient

    async def create(self, url: str, name: str = "", *, at: datetime | None = None, **fields: Any) -> Task:
        """A task for a URL, due now or at that time."""
        request = HttpRequest(
            url=url,
            http_method=HttpMethod.POST,
            headers={"content-type": "application/json"},
            body=b"{}",
            oidc_token=OidcToken(service_account_email=ACCOUNT, audience="the-audience"),
        )
        task = Task(name=name and f"{QUEUE}/tasks/{name}", http_request=request, schedule_time=at, **fields)
        return await self.client.create_task(parent=QUEUE, task=task, retry=None, timeout=5)

    async def advance(self, by: timedelta) -> None:
        """Turn the clock."""
        answer = await self.http.post("/_control/clock", json={"advance_s": by.total_seconds()})
        answer.raise_for_status()


def in_the_future(by: timedelta) -> datetime:
    """That long from now."""
    return datetime.now(UTC) + by


@asynccontextmanager
async def cloud_tasks(folder: Path, identity: str, *, port: int = 0) -> AsyncIterator[CloudTasks]:
    """A server with its state in `folder`."""
    settings = TasksSettings(port=port, control_port=0, folder=folder, identity_url=identity)
    async with running(settings) as server:
        channel = grpc.aio.insecure_channel(server.address)
        client = CloudTasksAsyncClient(transport=CloudTasksGrpcAsyncIOTransport(channel=channel))
        async with http_client(server.control_url) as http:
            yield CloudTasks(server=server, client=client, http=http)
        await channel.close(None)


@pytest.fixture(scope="session")
def identity(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The identity stand-in's URL."""
    with running_identity(tmp_path_factory.mktemp("identity-of-tasks")) as url:
        yield url


@pytest.fixture
async def tasks(tmp_path: Path, identity: str) -> AsyncIterator[CloudTasks]:
    """A server of the test's own."""
    async with cloud_tasks(tmp_path, identity) as tasks:
        yield tasks
