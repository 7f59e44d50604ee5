"""`request_data_deletion`: one open request a customer, and the work planned for it."""

import asyncio
import datetime
import uuid
from typing import Any

import orjson

from local.demo.people import ADA, BO, THEO
from tests.integration.operations.clinic import Clinic

REQUEST = """
mutation ($reason: String) {
    request_data_deletion(reason: $reason) { id status scheduled_for created_at repeated }
}
"""


async def request(clinic: Clinic, **variables: Any) -> Any:
    return await clinic.answer(REQUEST, role="user", me=ADA, **variables)


async def test_a_request_waits_for_the_end_of_the_grace_period(clinic: Clinic) -> None:
    answer = await request(clinic, reason=" I am moving away. ")
    grace = datetime.datetime.fromisoformat(answer["scheduled_for"]) - datetime.datetime.fromisoformat(
        answer["created_at"]
    )
    assert (answer["status"], grace) == ("pending", datetime.timedelta(days=14))
    row = await clinic.row("SELECT customer_id, reason FROM public.data_deletion_request")
    assert row == {"customer_id": ADA, "reason": "I am moving away."}
    task = await clinic.row("SELECT target, kind, due_at, payload::text FROM events.scheduled_task")
    assert (task["target"], task["kind"]) == ("data_deletion", "data_deletion.carry_out")
    assert task["due_at"] == datetime.datetime.fromisoformat(answer["scheduled_for"])
    assert orjson.loads(task["payload"]) == {"data_deletion_request_id": answer["id"], "customer_id": str(ADA)}


async def test_asking_twice_is_asking_once(clinic: Clinic) -> None:
    answers = await asyncio.gather(request(clinic), request(clinic))
    assert sorted(answer.pop("repeated") for answer in answers) == [False, True]
    assert answers[0] == answers[1]
    assert await clinic.connection.fetchval("SELECT count(*) FROM events.scheduled_task") == 1
    await clinic.connection.execute("UPDATE public.data_deletion_request SET status = 'processing'")
    assert (await request(clinic))["status"] == "processing"


async def test_after_a_request_was_cancelled_another_can_be_made(clinic: Clinic) -> None:
    first = await request(clinic)
    await clinic.connection.execute("UPDATE public.data_deletion_request SET status = 'cancelled'")
    second = await request(clinic)
    assert second["id"] != first["id"]
    assert second["repeated"] is False


async def test_it_is_for_customers_who_are_there(clinic: Clinic) -> None:
    assert await clinic.refusal(REQUEST, role="user", me=uuid.uuid4()) == "not-found"
    assert await clinic.refusal(REQUEST, role="cct", me=THEO) == "validation-failed"
    assert await clinic.refusal(REQUEST, role="user", me=BO, reason="x" * 1001) == "validation-failed"
    answer = await clinic.endpoint.ask(REQUEST, role="user")
    assert answer["errors"][0]["extensions"]["code"] == "not-found"
