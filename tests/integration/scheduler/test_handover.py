"""From `events.scheduled_task` to Cloud Tasks: in time, once, and through every crash in between."""

import asyncio
import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from tests.integration.pubsub.receiver import Receiver
from tests.integration.tasks.conftest import ACCOUNT, QUEUE, CloudTasks
from tests.integration.tasks.test_cloud_tasks import until
from triggers.scheduler.cloud_tasks import CloudTasks as Client
from triggers.scheduler.handover import HandOver, Pass

#: Nobody listens there.
NOWHERE = "http://127.0.0.1:9"
TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Planner:
    """Plans tasks in the database, and passes over them."""

    def __init__(self, connection: asyncpg.Connection, tasks: CloudTasks, url: str = NOWHERE) -> None:
        self.connection = connection
        self.tasks = tasks
        client = Client(tasks.client, queue=QUEUE, service_account=ACCOUNT)
        self.work = HandOver(
            client, agent_urls={"contract": url}, horizon=timedelta(days=2), overdue=timedelta(minutes=15)
        )

    async def plan(self, due_in: timedelta, name: str = "renewal") -> uuid.UUID:
        task: uuid.UUID = await self.connection.fetchval(
            "INSERT INTO events.scheduled_task (name, kind, target, due_at, payload)"
            " VALUES ($1, 'contract.renewal', 'contract', $2, $3) RETURNING id",
            name,
            datetime.now(UTC) + due_in,
            json.dumps({"contract_id": "c"}),
        )
        return task

    async def run(self, *, ahead: timedelta = timedelta()) -> Pass:
        return await self.work.run_once(self.connection, now=datetime.now(UTC) + ahead)

    async def row(self) -> Any:
        return await self.connection.fetchrow("SELECT * FROM events.scheduled_task")

    async def change(self, assignment: str) -> None:
        await self.connection.execute(f"UPDATE events.scheduled_task SET {assignment}")  # noqa: S608 -- the tests' own text

    async def waiting(self) -> list[str]:
        pager = await self.tasks.client.list_tasks(parent=QUEUE)
        return [task.name.rpartition("/")[2] async for task in pager]


@pytest.fixture
def planner(connection: asyncpg.Connection, tasks: CloudTasks) -> Planner:
    return Planner(connection, tasks)


async def test_what_is_due_within_two_days_is_handed_over_and_nothing_else(planner: Planner) -> None:
    soon = await planner.plan(timedelta(days=1), "soon")
    await planner.plan(timedelta(days=3), "later")
    assert await planner.run() == Pass(handed_over=1, removed=0, again=0)
    assert await planner.waiting() == [f"{soon}-0"]
    assert await planner.run() == Pass(handed_over=0, removed=0, again=0)
    assert (await planner.run(ahead=timedelta(days=1, hours=1))).handed_over == 1


async def test_a_task_that_cloud_tasks_refuses_holds_up_no_other(planner: Planner) -> None:
    await planner.plan(timedelta(hours=1), "too large")
    await planner.change("payload = jsonb_build_object('text', repeat('x', 1100000))")
    good = await planner.plan(timedelta(hours=2), "good")
    assert (await planner.run()).handed_over == 1
    assert await planner.waiting() == [f"{good}-0"]
    (large,) = await planner.connection.fetch("SELECT * FROM events.scheduled_task WHERE name = 'too large'")
    assert (large["status"], large["last_error"].startswith("Cloud Tasks refuses it: ")) == ("scheduled", True)
    # Put right, it goes the next time.
    await planner.connection.execute("UPDATE events.scheduled_task SET payload = '{}' WHERE name = 'too large'")
    assert (await planner.run()).handed_over == 1


async def test_the_agent_gets_what_was_planned_when_its_time_has_come(
    connection: asyncpg.Connection,
    tasks: CloudTasks,
) -> None:
    with Receiver() as receiver:
        planner = Planner(connection, tasks, receiver.base_url)
        task = await planner.plan(timedelta(days=1))
        await planner.run()
        await tasks.advance(timedelta(days=1))
        await until(lambda: len(receiver.pushes) == 1)
    body = receiver.pushes[0].json
    due_at = (await planner.row())["due_at"]
    assert body | {"due_at": ""} == {
        "id": str(task),
        "generation": 0,
        "name": "renewal",
        "kind": "contract.renewal",
        "due_at": "",
        "payload": {"contract_id": "c"},
        "traceparent": None,
    }
    assert datetime.fromisoformat(body["due_at"]) == due_at


async def test_a_task_goes_on_in_the_trace_of_whoever_planned_it(
    connection: asyncpg.Connection, tasks: CloudTasks
) -> None:
    with Receiver() as receiver:
        planner = Planner(connection, tasks, receiver.base_url)
        async with connection.transaction():
            await connection.execute("SELECT set_config('app.traceparent', $1, true)", TRACEPARENT)
            await planner.plan(timedelta())
        # Whoever moves it doesn't take it into a trace of their own.
        await planner.change("due_at = due_at - interval '1 second'")
        await planner.run()
        await until(lambda: len(receiver.pushes) == 1)
    assert receiver.pushes[0].headers["traceparent"] == TRACEPARENT
    assert receiver.pushes[0].json["traceparent"] == TRACEPARENT


async def test_a_crash_after_the_creation_leads_to_one_task(planner: Planner) -> None:
    task = await planner.plan(timedelta(hours=1))
    await planner.run()
    # As if the scheduler had been killed before it could mark the row.
    await planner.connection.execute("ALTER TABLE events.scheduled_task DISABLE TRIGGER plan_anew")
    await planner.change("status = 'scheduled', cloud_task = NULL, handed_over_at = NULL")
    await planner.connection.execute("ALTER TABLE events.scheduled_task ENABLE TRIGGER plan_anew")
    await planner.run()
    assert await planner.waiting() == [f"{task}-0"]
    assert (await planner.row())["status"] == "handed_over"


async def test_two_schedulers_at_once_make_one_task(
    planner: Planner,
    database_url: str,
    tasks: CloudTasks,
) -> None:
    for number in range(20):
        await planner.plan(timedelta(hours=1), f"task-{number}")
    other = await asyncpg.connect(database_url)
    await asyncio.gather(planner.run(), Planner(other, tasks).run())
    await other.close()
    assert len(await planner.waiting()) == 20


async def test_a_cancelled_task_is_taken_back(planner: Planner) -> None:
    await planner.plan(timedelta(hours=1))
    await planner.run()
    await planner.change("status = 'cancelled'")
    assert (await planner.run()).removed == 1
    assert await planner.waiting() == []
    assert (await planner.row())["cloud_task"] is None
    assert await planner.run() == Pass(handed_over=0, removed=0, again=0)


async def test_a_task_with_another_time_takes_the_place_of_the_old_one(planner: Planner) -> None:
    task = await planner.plan(timedelta(hours=1))
    await planner.run()
    await planner.change("due_at = due_at + interval '1 hour'")
    await planner.run()
    assert await planner.waiting() == [f"{task}-1"]


async def test_a_cancelled_task_can_be_planned_again_for_the_same_time(planner: Planner) -> None:
    task = await planner.plan(timedelta(hours=1))
    await planner.run()
    await planner.change("status = 'cancelled'")
    await planner.run()
    await planner.change("status = 'scheduled'")
    await planner.run()
    assert await planner.waiting() == [f"{task}-1"]


async def test_a_task_that_cloud_tasks_lost_is_handed_over_again_and_has_failed_in_the_end(planner: Planner) -> None:
    task = await planner.plan(timedelta(hours=1))
    late = timedelta(hours=2)
    for generation in range(4):
        await planner.run(ahead=late)
        assert await planner.waiting() == [f"{task}-{generation}"]
        await planner.tasks.client.delete_task(name=f"{QUEUE}/tasks/{task}-{generation}")
    await planner.run(ahead=late)
    row = await planner.row()
    assert (row["status"], row["last_error"]) == ("failed", "Cloud Tasks no longer has it")


async def test_an_overdue_task_that_is_being_tried_again_is_left_alone(planner: Planner) -> None:
    await planner.plan(timedelta(hours=1))
    await planner.run()
    assert (await planner.run(ahead=timedelta(hours=2))).again == 0
    assert (await planner.row())["status"] == "handed_over"


async def test_tasks_of_agents_that_nobody_knows_wait(planner: Planner) -> None:
    await planner.plan(timedelta(hours=1))
    await planner.change("target = 'unheard_of'")
    assert (await planner.run()).handed_over == 0
    assert (await planner.row())["status"] == "scheduled"
