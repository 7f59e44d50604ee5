"""What a call does to queues and tasks; refusals are TasksErrors.

https://cloud.google.com/tasks/docs/reference/rpc/google.cloud.tasks.v2
"""

import re
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Final

from google.cloud.tasks_v2.types import (
    CreateQueueRequest,
    CreateTaskRequest,
    DeleteQueueRequest,
    DeleteTaskRequest,
    GetQueueRequest,
    GetTaskRequest,
    HttpMethod,
    ListQueuesRequest,
    ListQueuesResponse,
    ListTasksRequest,
    ListTasksResponse,
    PauseQueueRequest,
    PurgeQueueRequest,
    Queue,
    ResumeQueueRequest,
    RunTaskRequest,
    Task,
)
from google.protobuf.empty_pb2 import Empty

from local.tasks.errors import AlreadyExistsError, InvalidArgumentError, NotFoundError, UnsupportedError
from local.tasks.store import Store, to_datetime

_LOCATION: Final = re.compile(r"projects/[^/]+/locations/[^/]+")
_QUEUE: Final = re.compile(r"projects/[^/]+/locations/[^/]+/queues/[A-Za-z0-9-]{1,100}")
_TASK_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,500}")
_FARTHEST: Final = timedelta(days=30)
_DEADLINES: Final = (timedelta(seconds=15), timedelta(minutes=30))
_DEFAULT_DEADLINE: Final = timedelta(minutes=10)
_MAX_TASK_BYTES: Final = 1_048_576
_MAX_PAGE: Final = 1000


class Queues:
    """The methods of `google.cloud.tasks.v2.CloudTasks`."""

    def __init__(self, store: Store, *, on_change: Callable[[], None], run: Callable[[str], None]) -> None:
        """`on_change` hears that something may be due earlier than thought, `run` of a task to be sent at once."""
        self._store = store
        self._on_change = on_change
        self._run = run

    # Queues

    def create_queue(self, request: CreateQueueRequest) -> Queue:
        """Make a queue."""
        queue = Queue(request.queue)
        if not _QUEUE.fullmatch(queue.name) or not queue.name.startswith(f"{request.parent}/queues/"):
            raise InvalidArgumentError(f"Queue name {queue.name!r} is not {request.parent}/queues/QUEUE_ID.")
        if self._store.find_queue(queue.name) is not None:
            raise AlreadyExistsError("Queue already exists.")
        _fill_in(queue)
        self._store.put_queue(queue, paused=False)
        return self._queue(queue.name)

    def get_queue(self, request: GetQueueRequest) -> Queue:
        """A queue."""
        return self._queue(request.name)

    def list_queues(self, request: ListQueuesRequest) -> ListQueuesResponse:
        """All queues of a location, on one page."""
        if not _LOCATION.fullmatch(request.parent):
            raise InvalidArgumentError("The parent is projects/PROJECT/locations/LOCATION.")
        return ListQueuesResponse(queues=self._store.queues(request.parent))

    def delete_queue(self, request: DeleteQueueRequest) -> Empty:
        """Remove a queue with its tasks."""
        self._queue(request.name)
        self._store.delete_queue(request.name)
        return Empty()

    def purge_queue(self, request: PurgeQueueRequest) -> Queue:
        """Remove a queue's tasks."""
        queue = self._queue(request.name)
        with self._store.transaction():
            while tasks := self._store.tasks(queue.name, after="", limit=_MAX_PAGE):
                for task in tasks:
                    self._store.end_task(task.name)
        return queue

    def pause_queue(self, request: PauseQueueRequest) -> Queue:
        """Send none of a queue's tasks until it is resumed."""
        return self._set_paused(request.name, paused=True)

    def resume_queue(self, request: ResumeQueueRequest) -> Queue:
        """Send a queue's tasks again."""
        return self._set_paused(request.name, paused=False)

    # Tasks

    def create_task(self, request: CreateTaskRequest) -> Task:
        """Add a task, sent when its time comes."""
        self._queue(request.parent)
        task = Task(request.task)
        now = to_datetime(self._store.now())
        prefix = f"{request.parent}/tasks/"
        if not task.name:
            task.name = f"{prefix}{uuid.uuid4().int >> 64}"
        elif not task.name.startswith(prefix) or not _TASK_ID.fullmatch(task.name.removeprefix(prefix)):
            raise InvalidArgumentError(f"Task name must be {prefix}TASK_ID, with up to 500 letters, digits, - and _.")
        _check_target(task)
        if Task.pb(task).ByteSize() > _MAX_TASK_BYTES:
            raise InvalidArgumentError(f"The task is larger than {_MAX_TASK_BYTES} bytes.")
        if not task.schedule_time or task.schedule_time < now:
            task.schedule_time = now
        elif task.schedule_time > now + _FARTHEST:
            raise InvalidArgumentError("The Task.scheduleTime is too far in the future: at most 30 days.")
        if not task.dispatch_deadline:
            task.dispatch_deadline = _DEFAULT_DEADLINE
        elif not _DEADLINES[0] <= task.dispatch_deadline <= _DEADLINES[1]:
            raise InvalidArgumentError("The Task.dispatchDeadline must be between [15s, 30m].")
        with self._store.transaction():
            if self._store.find_task(task.name) is not None:
                raise AlreadyExistsError("Requested entity already exists")
            if self._store.was_used(task.name):
                raise AlreadyExistsError(
                    "The task cannot be created because a task with this name existed too recently."
                    " For more information about task de-duplication see"
                    " https://cloud.google.com/tasks/docs/reference/rest/v2/projects.locations.queues.tasks/create"
                )
            task.create_time = now
            task.dispatch_count = task.response_count = 0
            self._store.put_task(request.parent, task, due_at=task.schedule_time.timestamp())
        self._on_change()
        return _viewed(task, request.response_view)

    def get_task(self, request: GetTaskRequest) -> Task:
        """A task that is still to be done."""
        return _viewed(self._task(request.name), request.response_view)

    def list_tasks(self, request: ListTasksRequest) -> ListTasksResponse:
        """Tasks of a queue by name; the page token is the last name of the page before."""
        self._queue(request.parent)
        size = min(request.page_size or _MAX_PAGE, _MAX_PAGE)
        tasks = self._store.tasks(request.parent, after=request.page_token, limit=size + 1)
        return ListTasksResponse(
            tasks=[_viewed(task, request.response_view) for task in tasks[:size]],
            next_page_token=tasks[size - 1].name if len(tasks) > size else "",
        )

    def delete_task(self, request: DeleteTaskRequest) -> Empty:
        """Remove a task; an attempt under way isn't stopped."""
        self._task(request.name)
        with self._store.transaction():
            self._store.end_task(request.name)
        return Empty()

    def run_task(self, request: RunTaskRequest) -> Task:
        """Send a task now, whatever its time and though its queue be paused."""
        task = self._task(request.name)
        self._run(task.name)
        return _viewed(task, request.response_view)

    def _queue(self, name: str) -> Queue:
        queue = self._store.find_queue(name)
        if queue is None:
            raise NotFoundError("Queue does not exist. If you just created the queue, wait at least a minute.")
        return queue

    def _task(self, name: str) -> Task:
        task = self._store.find_task(name)
        if task is None:
            raise NotFoundError("The task does not exist: it was deleted, has succeeded, or was given up.")
        return task

    def _set_paused(self, name: str, *, paused: bool) -> Queue:
        queue = self._queue(name)
        self._store.put_queue(queue, paused=paused)
        self._on_change()
        return self._queue(name)


def _fill_in(queue: Queue) -> None:
    """Google's defaults for what the request leaves open."""
    retry, rates = queue.retry_config, queue.rate_limits
    retry.max_attempts = retry.max_attempts or 100
    retry.min_backoff = retry.min_backoff or timedelta(milliseconds=100)
    retry.max_backoff = retry.max_backoff or timedelta(hours=1)
    retry.max_doublings = retry.max_doublings or 16
    rates.max_dispatches_per_second = rates.max_dispatches_per_second or 500
    rates.max_concurrent_dispatches = rates.max_concurrent_dispatches or 1000
    if retry.min_backoff > retry.max_backoff:
        raise InvalidArgumentError("RetryConfig.minBackoff must not be greater than maxBackoff.")


def _check_target(task: Task) -> None:
    request = task.http_request
    if not request.url:
        if "app_engine_http_request" in task:
            raise UnsupportedError("The local Cloud Tasks sends HTTP tasks only.")
        raise InvalidArgumentError("Task.httpRequest.url is required.")
    if not request.url.startswith(("http://", "https://")):
        raise InvalidArgumentError("HttpRequest.url must begin with http:// or https://.")
    if request.http_method not in {HttpMethod.HTTP_METHOD_UNSPECIFIED, HttpMethod.POST}:
        raise UnsupportedError("The local Cloud Tasks sends POST requests only.")
    if request.oauth_token.service_account_email:
        raise UnsupportedError("The local Cloud Tasks sends OIDC tokens only.")
    request.http_method = HttpMethod.POST


def _viewed(task: Task, view: Task.View) -> Task:
    """The task with its body (FULL) or without, as Google answers by default."""
    answer = Task(task)
    answer.view = view or Task.View.BASIC
    if answer.view == Task.View.BASIC:
        answer.http_request.body = b""
    return answer
