"""The local Cloud Tasks, through Google's own client."""

import asyncio
import json
from base64 import urlsafe_b64decode
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import grpc
import pytest
from google.api_core.exceptions import AlreadyExists, InvalidArgument, MethodNotImplemented, NotFound
from google.cloud.tasks_v2 import HttpMethod, HttpRequest, Queue, Task
from google.cloud.tasks_v2.types import RetryConfig

from integrations.telemetry.logging import configure_logging
from local.tasks.dispatch import backoff_s
from tests.integration.pubsub.receiver import HANG_UP, Receiver
from tests.integration.tasks.conftest import ACCOUNT, QUEUE, CloudTasks, cloud_tasks, in_the_future

LATER = timedelta(hours=1)


async def until(condition: Callable[[], bool], *, within_s: float = 10) -> None:
    async with asyncio.timeout(within_s):
        while not condition():  # noqa: ASYNC110 -- the receiver is another thread: nothing to await
            await asyncio.sleep(0.01)


async def test_a_task_arrives_with_its_body_its_name_and_the_token_it_asked_for(tasks: CloudTasks) -> None:
    with Receiver() as receiver:
        await tasks.create(receiver.url, "renewal-1")
        await until(lambda: len(receiver.pushes) == 1)
    push = receiver.pushes[0]
    assert push.body == b"{}"
    assert push.headers["content-type"] == "application/json"
    assert push.headers["x-cloudtasks-taskname"] == "renewal-1"
    assert push.headers["x-cloudtasks-queuename"] == "scheduled-tasks"
    assert push.headers["x-cloudtasks-taskretrycount"] == "0"
    payload = push.headers["authorization"].removeprefix("Bearer ").split(".")[1]
    claims = json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    assert (claims["email"], claims["aud"]) == (ACCOUNT, "the-audience")


async def test_a_task_waits_for_its_time_and_comes_once_it_is_turned_to(tasks: CloudTasks) -> None:
    with Receiver() as receiver:
        await tasks.create(receiver.url, "later", at=in_the_future(timedelta(days=2)))
        await tasks.create(receiver.url, "now")
        await until(lambda: len(receiver.pushes) == 1)
        assert receiver.pushes[0].headers["x-cloudtasks-taskname"] == "now"
        await tasks.advance(timedelta(days=3))
        await until(lambda: len(receiver.pushes) == 2)
    assert receiver.pushes[1].headers["x-cloudtasks-taskname"] == "later"


async def test_a_name_is_taken_once_also_after_its_task_is_gone(tasks: CloudTasks) -> None:
    with Receiver() as receiver:
        await tasks.create(receiver.url, "done")
        await until(lambda: len(receiver.pushes) == 1)
        deleted = await tasks.create(receiver.url, "deleted", at=in_the_future(LATER))
        await tasks.client.delete_task(name=deleted.name)
        await tasks.create(receiver.url, "waiting", at=in_the_future(LATER))
        for name in ("done", "deleted", "waiting"):
            with pytest.raises(AlreadyExists):
                await tasks.create(receiver.url, name)
        await tasks.advance(timedelta(hours=2))
        await until(lambda: len(receiver.pushes) == 2)
        await tasks.create(receiver.url, "deleted")
        await until(lambda: len(receiver.pushes) == 3)


async def test_a_task_that_fails_is_tried_again_and_says_how_often(tasks: CloudTasks) -> None:
    def script(_push: object, index: int) -> int:
        return (HANG_UP, 503, 204)[index]

    with Receiver(script) as receiver:
        task = await tasks.create(receiver.url, "stubborn")
        for attempts in (1, 2):
            await until(lambda attempts=attempts: len(receiver.pushes) == attempts)  # type: ignore[misc] # its default
            await tasks.advance(timedelta(minutes=1))
        await until(lambda: len(receiver.pushes) == 3)
        assert [push.headers["x-cloudtasks-taskretrycount"] for push in receiver.pushes] == ["0", "1", "2"]
        assert [push.headers["x-cloudtasks-taskexecutioncount"] for push in receiver.pushes] == ["0", "0", "1"]
        await until(lambda: tasks.server.store.find_task(task.name) is None)


async def test_a_task_is_given_up_when_it_has_failed_often_enough(tasks: CloudTasks) -> None:
    queue = Queue(name=QUEUE.replace("scheduled-tasks", "twice"), retry_config=RetryConfig(max_attempts=2))
    await tasks.client.create_queue(parent=QUEUE.partition("/queues/")[0], queue=queue)
    with Receiver(lambda _push, _index: 500) as receiver:
        request = HttpRequest(url=receiver.url, http_method=HttpMethod.POST)
        task = await tasks.client.create_task(parent=queue.name, task=Task(http_request=request))
        await until(lambda: tasks.server.store.find_task(task.name) is None)
        assert len(receiver.pushes) == 2


async def test_a_paused_queue_sends_nothing_but_what_is_run_by_hand(tasks: CloudTasks) -> None:
    await tasks.client.pause_queue(name=QUEUE)
    with Receiver() as receiver:
        await tasks.create(receiver.url, "waits")
        by_hand = await tasks.create(receiver.url, "by-hand", at=in_the_future(LATER))
        await tasks.client.run_task(name=by_hand.name)
        await until(lambda: len(receiver.pushes) == 1)
        assert receiver.pushes[0].headers["x-cloudtasks-taskname"] == "by-hand"
        assert (await tasks.client.get_queue(name=QUEUE)).state == Queue.State.PAUSED
        await tasks.client.resume_queue(name=QUEUE)
        await until(lambda: len(receiver.pushes) == 2)


async def test_a_deleted_task_is_not_sent(tasks: CloudTasks) -> None:
    with Receiver() as receiver:
        task = await tasks.create(receiver.url, "cancelled", at=in_the_future(LATER))
        await tasks.create(receiver.url, "other", at=in_the_future(LATER))
        await tasks.client.delete_task(name=task.name)
        await tasks.advance(2 * LATER)
        await until(lambda: len(receiver.pushes) == 1)
        assert receiver.pushes[0].headers["x-cloudtasks-taskname"] == "other"
    with pytest.raises(NotFound):
        await tasks.client.get_task(name=task.name)
    with pytest.raises(NotFound):
        await tasks.client.delete_task(name=task.name)


async def test_tasks_are_listed_page_by_page_without_their_bodies(tasks: CloudTasks) -> None:
    for number in range(5):
        await tasks.create("http://127.0.0.1:9/", f"t{number}", at=in_the_future(LATER))
    pager = await tasks.client.list_tasks(request={"parent": QUEUE, "page_size": 2})
    listed = [task async for task in pager]
    assert [task.name.rpartition("/")[2] for task in listed] == ["t0", "t1", "t2", "t3", "t4"]
    assert {bytes(task.http_request.body) for task in listed} == {b""}
    whole = await tasks.client.get_task(request={"name": listed[0].name, "response_view": Task.View.FULL})
    assert whole.http_request.body == b"{}"


async def test_what_google_refuses_is_refused(tasks: CloudTasks) -> None:
    url = "http://127.0.0.1:9/"
    with pytest.raises(InvalidArgument, match="too far"):
        await tasks.create(url, at=in_the_future(timedelta(days=31)))
    with pytest.raises(InvalidArgument, match="dispatchDeadline"):
        await tasks.create(url, dispatch_deadline=timedelta(seconds=5))
    with pytest.raises(InvalidArgument, match="name"):
        await tasks.create(url, "a name")
    with pytest.raises(InvalidArgument, match="http"):
        await tasks.create("ftp://127.0.0.1/")
    with pytest.raises(NotFound):
        await tasks.client.create_task(parent=QUEUE + "-2", task=Task(http_request=HttpRequest(url=url)))
    request = HttpRequest(url=url, http_method=HttpMethod.GET)
    with pytest.raises(MethodNotImplemented):
        await tasks.client.create_task(parent=QUEUE, task=Task(http_request=request))


async def test_tasks_names_and_the_turned_clock_survive_a_restart(tmp_path: Path, identity: str) -> None:
    with Receiver() as receiver:
        async with cloud_tasks(tmp_path, identity) as tasks:
            await tasks.create(receiver.url, "gone")
            await until(lambda: len(receiver.pushes) == 1)
            await tasks.advance(timedelta(minutes=30))
            await tasks.create(receiver.url, "planned", at=in_the_future(LATER))
        async with cloud_tasks(tmp_path, identity) as tasks:
            with pytest.raises(AlreadyExists):
                await tasks.create(receiver.url, "gone")
            await tasks.advance(timedelta(minutes=31))
            await until(lambda: len(receiver.pushes) == 2)


async def test_without_a_token_nothing_is_sent(tmp_path: Path) -> None:
    with Receiver() as receiver:
        async with cloud_tasks(tmp_path, "http://127.0.0.1:9") as tasks:
            task = await tasks.create(receiver.url, "untold")

            def failed() -> bool:
                found = tasks.server.store.find_task(task.name)
                return bool(found and found.last_attempt.response_status.message)

            await until(failed)
            assert receiver.pushes == []


def test_waits_double_then_grow_evenly_up_to_the_longest() -> None:
    # The example of Google's reference: 10 s, 20 s, 40 s, 80 s, 160 s, 240 s, 300 s, 300 s.
    retry = RetryConfig(min_backoff={"seconds": 10}, max_backoff={"seconds": 300}, max_doublings=3)
    assert [backoff_s(retry, failures) for failures in range(1, 9)] == [10, 20, 40, 80, 160, 240, 300, 300]


async def test_a_port_in_use_is_an_error(tasks: CloudTasks, tmp_path: Path, identity: str) -> None:
    port = int(tasks.server.address.rpartition(":")[2])
    with pytest.raises(RuntimeError):
        async with cloud_tasks(tmp_path / "second", identity, port=port):
            pass
    async with grpc.aio.insecure_channel(tasks.server.address) as channel:
        await asyncio.wait_for(channel.channel_ready(), 5)


async def test_asking_for_the_time_writes_no_log_and_turning_the_clock_does(
    tasks: CloudTasks, capsys: pytest.CaptureFixture[str]
) -> None:
    """The scheduler and cron ask several times a second."""
    configure_logging("tasks", "json")
    for _ in range(3):
        assert (await tasks.http.get("/_control")).json()["now"]
    await tasks.advance(timedelta(seconds=1))

    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [(line["method"], line["path"]) for line in lines if line["event"] == "http.request"] == [
        ("POST", "/_control/clock")
    ]
