"""Scheduled tasks at the endpoint: begun, finished once, cancelled, planned anew; each agent its own."""

import uuid
from typing import Any

import asyncpg
import pytest

from tests.integration.operations.conftest import Endpoint

BEGIN = "mutation ($id: uuid!, $g: Int!) { begin_task(id: $id, generation: $g) { due status } }"
FINISH = """
    mutation ($id: uuid!, $g: Int!, $error: String) { finish_task(id: $id, generation: $g, error: $error) { status } }
"""
CANCEL = "mutation ($name: String!) { cancel_task(name: $name) { cancelled } }"
RESCHEDULE = """
    mutation ($name: String!, $due_at: timestamptz!) { reschedule_task(name: $name, due_at: $due_at) { generation } }
"""


@pytest.fixture
async def task(connection: asyncpg.Connection) -> uuid.UUID:
    """The contract agent's task `renewal`, due in an hour and handed over."""
    task: uuid.UUID = await connection.fetchval(
        "INSERT INTO events.scheduled_task (name, kind, target, due_at, status)"
        " VALUES ('renewal', 'contract.renewal', 'contract', now() + interval '1 hour', 'handed_over') RETURNING id"
    )
    return task


async def ask(endpoint: Endpoint, document: str, *, me: str = "contract", **variables: Any) -> Any:
    answer = await endpoint.ask(document, role="service", me=me, **variables)
    if "errors" in answer:
        return answer["errors"][0]["extensions"]["code"]
    (value,) = answer["data"].values()
    return value


async def row(connection: asyncpg.Connection) -> Any:
    return await connection.fetchrow("SELECT * FROM events.scheduled_task")


async def test_a_task_is_begun_as_often_as_it_is_tried_and_finished_once(
    endpoint: Endpoint, connection: asyncpg.Connection, task: uuid.UUID
) -> None:
    for _ in range(2):
        assert await ask(endpoint, BEGIN, id=str(task), g=0) == {"due": True, "status": "handed_over"}
    assert await ask(endpoint, FINISH, id=str(task), g=0) == {"status": "done"}
    assert await ask(endpoint, FINISH, id=str(task), g=0) == "task-superseded"
    assert await ask(endpoint, BEGIN, id=str(task), g=0) == {"due": False, "status": "done"}
    found = await row(connection)
    assert (found["status"], found["attempts"], found["finished_at"] is None) == ("done", 2, False)


async def test_a_failed_task_says_why(endpoint: Endpoint, connection: asyncpg.Connection, task: uuid.UUID) -> None:
    assert await ask(endpoint, FINISH, id=str(task), g=0, error="no such contract") == {"status": "failed"}
    assert (await row(connection))["last_error"] == "no such contract"


async def test_a_cancelled_task_is_not_due_and_cannot_be_finished(endpoint: Endpoint, task: uuid.UUID) -> None:
    assert await ask(endpoint, CANCEL, name="renewal") == {"cancelled": True}
    assert await ask(endpoint, CANCEL, name="renewal") == {"cancelled": False}
    assert await ask(endpoint, BEGIN, id=str(task), g=0) == {"due": False, "status": "cancelled"}
    assert await ask(endpoint, FINISH, id=str(task), g=0) == "task-superseded"


async def test_a_task_with_a_new_time_is_another_one(
    endpoint: Endpoint, connection: asyncpg.Connection, task: uuid.UUID
) -> None:
    assert await ask(endpoint, RESCHEDULE, name="renewal", due_at="2031-01-01T00:00:00Z") == {"generation": 1}
    assert await ask(endpoint, BEGIN, id=str(task), g=0) == {"due": False, "status": "superseded"}
    assert await ask(endpoint, FINISH, id=str(task), g=0) == "task-superseded"
    found = await row(connection)
    assert (found["status"], found["due_at"].year, found["handed_over_at"]) == ("scheduled", 2031, None)
    assert await ask(endpoint, FINISH, id=str(task), g=1) == {"status": "done"}
    assert await ask(endpoint, RESCHEDULE, name="renewal", due_at="2032-01-01T00:00:00Z") == "not-found"


async def test_a_cancelled_task_can_be_planned_again_for_the_same_time(
    endpoint: Endpoint, connection: asyncpg.Connection, task: uuid.UUID
) -> None:
    await ask(endpoint, CANCEL, name="renewal")
    due_at = (await row(connection))["due_at"].isoformat()
    assert await ask(endpoint, RESCHEDULE, name="renewal", due_at=due_at) == {"generation": 1}
    assert await ask(endpoint, BEGIN, id=str(task), g=1) == {"due": True, "status": "scheduled"}


async def test_an_agent_has_no_part_in_the_tasks_of_another(
    endpoint: Endpoint, connection: asyncpg.Connection, task: uuid.UUID
) -> None:
    assert await ask(endpoint, BEGIN, me="zendesk", id=str(task), g=0) == {"due": False, "status": None}
    assert await ask(endpoint, FINISH, me="zendesk", id=str(task), g=0) == "task-superseded"
    assert await ask(endpoint, CANCEL, me="zendesk", name="renewal") == {"cancelled": False}
    assert await ask(endpoint, RESCHEDULE, me="zendesk", name="renewal", due_at="2031-01-01T00:00:00Z") == "not-found"
    assert (await row(connection))["status"] == "handed_over"


@pytest.mark.parametrize("role", ["cct", "provider", "user", "anonymous"])
async def test_people_have_no_part_in_tasks(endpoint: Endpoint, role: str) -> None:
    answer = await endpoint.ask(CANCEL, role=role, me=str(uuid.uuid4()), name="renewal")
    assert answer["errors"][0]["extensions"]["code"] == "validation-failed"
