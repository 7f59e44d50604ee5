"""Cloud Tasks as the scheduler needs it: create by name, delete, look."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Final

import grpc
from google.api_core.exceptions import AlreadyExists, GoogleAPICallError, InvalidArgument, NotFound, RetryError
from google.cloud.tasks_v2 import CloudTasksAsyncClient, HttpMethod, HttpRequest, OidcToken, Task
from google.cloud.tasks_v2.services.cloud_tasks.transports.grpc_asyncio import CloudTasksGrpcAsyncIOTransport

from triggers.scheduler.settings import SchedulerSettings

_TIMEOUT_S: Final = 5.0
#: An agent's time-out is below a minute.
_DISPATCH_DEADLINE: Final = timedelta(seconds=60)

#: Cloud Tasks can't be asked, or doesn't answer as it should: try again later.
CLOUD_TASKS_ERRORS: Final = (GoogleAPICallError, RetryError, grpc.RpcError, OSError, TimeoutError)


class TaskRefused(Exception):
    """Cloud Tasks won't take this task as it is: too large, say."""


class CloudTasks:
    """One queue. Raises CLOUD_TASKS_ERRORS; nothing is tried again here, the next pass does that."""

    def __init__(self, client: CloudTasksAsyncClient, *, queue: str, service_account: str) -> None:
        self._client = client
        self._queue = queue
        self._service_account = service_account

    async def create(
        self, name: str, *, url: str, audience: str, body: bytes, due_at: datetime, traceparent: str | None = None
    ) -> bool:
        """Add a task; False when that name was taken before, which is as good. Raises TaskRefused."""
        headers = {"content-type": "application/json"}
        if traceparent:
            headers["traceparent"] = traceparent
        task = Task(
            name=f"{self._queue}/tasks/{name}",
            schedule_time=due_at,
            dispatch_deadline=_DISPATCH_DEADLINE,
            http_request=HttpRequest(
                url=url,
                http_method=HttpMethod.POST,
                headers=headers,
                body=body,
                oidc_token=OidcToken(service_account_email=self._service_account, audience=audience),
            ),
        )
        try:
            await self._client.create_task(parent=self._queue, task=task, retry=None, timeout=_TIMEOUT_S)
        except AlreadyExists:
            return False
        except InvalidArgument as error:
            raise TaskRefused(error.message) from error
        return True

    async def delete(self, name: str) -> None:
        """Remove a task, if it is there."""
        try:
            await self._client.delete_task(name=f"{self._queue}/tasks/{name}", retry=None, timeout=_TIMEOUT_S)
        except NotFound:
            return

    async def has(self, name: str) -> bool:
        """Whether the task is there still: waiting, or being tried again."""
        try:
            await self._client.get_task(name=f"{self._queue}/tasks/{name}", retry=None, timeout=_TIMEOUT_S)
        except NotFound:
            return False
        return True


@asynccontextmanager
async def open_cloud_tasks(settings: SchedulerSettings) -> AsyncIterator[CloudTasks]:
    """The settings' queue for the length of the block. It connects when first used."""
    if settings.emulator_host:
        channel = grpc.aio.insecure_channel(settings.emulator_host)
    else:
        channel = CloudTasksGrpcAsyncIOTransport.create_channel("cloudtasks.googleapis.com:443")
    client = CloudTasksAsyncClient(transport=CloudTasksGrpcAsyncIOTransport(channel=channel))
    try:
        yield CloudTasks(client, queue=settings.queue, service_account=settings.tasks_service_account)
    finally:
        await channel.close(grace=1)
