"""Due tasks to their targets: with a token, a deadline, and another attempt when it fails."""

import asyncio
from typing import Final

import structlog
from google.cloud.tasks_v2.types import Attempt, Queue, RetryConfig, Task
from google.rpc.code_pb2 import Code
from google.rpc.status_pb2 import Status

from local.pubsub.push.http import BrokenConnectionError, Endpoint, UnreachableError
from local.pubsub.push.token import NoTokenError, TokenSource
from local.tasks.store import Store, to_datetime

#: At once, over all queues.
_AT_ONCE: Final = 64
#: The clock can be turned meanwhile, but whoever turns it says so; this is for the machine's own.
_LONGEST_SLEEP_S: Final = 5.0

_log = structlog.get_logger(__name__)


class Dispatcher:
    """Sends what is due until `run` is cancelled."""

    def __init__(self, store: Store, tokens: TokenSource) -> None:
        self._store = store
        self._tokens = tokens
        self._wake = asyncio.Event()
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self._endpoints: dict[str, Endpoint] = {}

    def wake(self) -> None:
        """Look again: a task came, a queue was resumed, the clock was turned."""
        self._wake.set()

    def run_now(self, name: str) -> None:
        """Send one task, whatever its time."""
        task = self._store.find_task(name)
        if task is not None:
            self._start(name.partition("/tasks/")[0], task, None)

    async def run(self) -> None:
        """Send tasks as they fall due."""
        try:
            while True:
                self._wake.clear()
                for queue, task, first in self._store.due(limit=_AT_ONCE + len(self._under_way)):
                    if len(self._under_way) >= _AT_ONCE:
                        break
                    self._start(queue, task, first)
                await self._sleep()
        finally:
            for attempt in self._under_way.values():
                attempt.cancel()
            await asyncio.gather(*self._under_way.values(), return_exceptions=True)
            for endpoint in self._endpoints.values():
                endpoint.close()
            self._tokens.close()

    async def _sleep(self) -> None:
        next_due_at = self._store.next_due_at()
        wait_s = _LONGEST_SLEEP_S
        if next_due_at is not None and len(self._under_way) < _AT_ONCE:
            # What is due and under way needs no look before it ends, and that wakes us.
            wait_s = min(max(next_due_at - self._store.now(), 0.05), _LONGEST_SLEEP_S)
        try:
            async with asyncio.timeout(wait_s):
                await self._wake.wait()
        except TimeoutError:
            return

    def _start(self, queue: str, task: Task, first: float | None) -> None:
        if task.name in self._under_way:
            return
        attempt = asyncio.create_task(self._attempt(queue, task, first))
        self._under_way[task.name] = attempt

        def ended(_: asyncio.Task[None]) -> None:
            del self._under_way[task.name]
            self.wake()

        attempt.add_done_callback(ended)

    async def _attempt(self, queue_name: str, task: Task, first: float | None) -> None:
        store = self._store
        began_at = store.now()
        first = first or began_at
        attempt = Attempt(schedule_time=task.schedule_time, dispatch_time=to_datetime(began_at))
        task.dispatch_count += 1
        task.last_attempt = attempt
        if task.dispatch_count == 1:
            task.first_attempt = Attempt(dispatch_time=to_datetime(began_at))
        # Written down before it is sent: a count that a kill can't take back.
        store.put_task(queue_name, task, due_at=began_at, first_dispatch_at=first)
        status, problem = await self._send(queue_name, task)
        queue = store.find_queue(queue_name)
        with store.transaction():
            current = store.find_task(task.name)
            if queue is None or current is None:
                return
            if status is not None:
                task.response_count += 1
                task.last_attempt.response_time = to_datetime(store.now())
            if status is not None and 200 <= status < 300:
                store.end_task(task.name)
                return
            code = Code.UNAVAILABLE if status is None else Code.UNKNOWN
            task.last_attempt.response_status = Status(code=code, message=problem or f"HTTP status code {status}")
            due_at = _next_attempt_at(queue, task, first=first, now=store.now())
            if due_at is None:
                store.end_task(task.name)
            else:
                task.schedule_time = to_datetime(due_at)
                store.put_task(queue_name, task, due_at=due_at, first_dispatch_at=first)
        _log.warning(
            "tasks.given_up" if due_at is None else "tasks.failed",
            task=task.name,
            attempt=task.dispatch_count,
            status=status,
            problem=problem,
        )

    async def _send(self, queue: str, task: Task) -> tuple[int | None, str | None]:
        """The target's status, or None and what went wrong."""
        request = task.http_request
        try:
            headers = await self._headers(queue, task)
            endpoint = self._endpoints.setdefault(request.url, Endpoint(request.url))
            answer = await endpoint.post(
                request.body, headers, timeout_s=max(task.dispatch_deadline.total_seconds(), 1.0)
            )
        except NoTokenError as error:
            return None, str(error)
        except (UnreachableError, BrokenConnectionError, TimeoutError, ValueError) as error:
            return None, f"{type(error).__name__}: {error}"
        return answer.status, None

    async def _headers(self, queue: str, task: Task) -> dict[str, str]:
        """https://cloud.google.com/tasks/docs/creating-http-target-tasks#handler."""
        request = task.http_request
        headers = {
            "User-Agent": "Google-Cloud-Tasks",
            "Content-Type": "application/octet-stream",
            **{name: value for name, value in request.headers.items() if not name.lower().startswith("x-cloudtasks-")},
            "X-CloudTasks-QueueName": queue.rpartition("/")[2],
            "X-CloudTasks-TaskName": task.name.rpartition("/")[2],
            "X-CloudTasks-TaskRetryCount": str(task.dispatch_count - 1),
            "X-CloudTasks-TaskExecutionCount": str(task.response_count),
            "X-CloudTasks-TaskETA": f"{task.schedule_time.timestamp():.6f}",
        }
        token = request.oidc_token
        if token.service_account_email:
            audience = token.audience or request.url
            headers["Authorization"] = f"Bearer {await self._tokens.get(token.service_account_email, audience)}"
        return headers


def _next_attempt_at(queue: Queue, task: Task, *, first: float, now: float) -> float | None:
    """When to try again; None when it was tried often or long enough."""
    retry = queue.retry_config
    if 0 < retry.max_attempts <= task.dispatch_count:
        return None
    longest = retry.max_retry_duration.total_seconds() if retry.max_retry_duration else 0.0
    if longest and now - first >= longest:
        return None
    return now + backoff_s(retry, task.dispatch_count)


def backoff_s(retry: RetryConfig, failures: int) -> float:
    """The wait after so many failures: doubling, then growing by the last doubled step, up to the longest.

    https://cloud.google.com/tasks/docs/reference/rpc/google.cloud.tasks.v2#retryconfig
    """
    first, longest = retry.min_backoff.total_seconds(), retry.max_backoff.total_seconds()
    doublings = min(failures - 1, retry.max_doublings)
    wait = first * float(2**doublings)
    wait += max(failures - 1 - retry.max_doublings, 0) * first * float(2**retry.max_doublings)
    return float(min(wait, longest))
