"""`cancel_data_deletion`: as long as the grace period lasts, a customer may stay after all."""

from local.demo.people import ADA, BO, THEO
from tests.integration.operations.clinic import Clinic

REQUEST = "mutation { request_data_deletion { id } }"
CANCEL = "mutation { cancel_data_deletion { id status cancelled_at repeated } }"


async def test_the_request_and_its_work_are_withdrawn(clinic: Clinic) -> None:
    requested = await clinic.answer(REQUEST, role="user", me=ADA)
    answer = await clinic.answer(CANCEL, role="user", me=ADA)
    assert (answer["id"], answer["status"], answer["repeated"]) == (requested["id"], "cancelled", False)
    row = await clinic.row("SELECT status FROM public.data_deletion_request")
    assert row == {"status": "cancelled"}
    task = await clinic.row("SELECT status FROM events.scheduled_task")
    assert task == {"status": "cancelled"}
    again = await clinic.answer(CANCEL, role="user", me=ADA)
    assert again == answer | {"repeated": True}


async def test_a_request_that_was_inserted_is_planned_and_withdrawn_all_the_same(clinic: Clinic) -> None:
    insert = 'mutation { insert_data_deletion_request_one(object: {reason: "x"}) { id } }'
    requested = await clinic.answer(insert, role="user", me=ADA)
    task = await clinic.row("SELECT name, status FROM events.scheduled_task")
    assert task == {"name": f"data_deletion.carry_out/{requested['id']}", "status": "scheduled"}
    assert (await clinic.answer(CANCEL, role="user", me=ADA))["id"] == requested["id"]


async def test_nothing_else_is_withdrawn(clinic: Clinic) -> None:
    await clinic.answer(REQUEST, role="user", me=ADA)
    assert await clinic.refusal(CANCEL, role="user", me=BO) == "not-found"
    assert await clinic.refusal(CANCEL, role="cct", me=THEO) == "validation-failed"
    await clinic.connection.execute("UPDATE public.data_deletion_request SET status = 'processing'")
    assert await clinic.refusal(CANCEL, role="user", me=ADA) == "not-found"


async def test_who_withdrew_and_asked_anew_withdraws_the_new_one(clinic: Clinic) -> None:
    await clinic.answer(REQUEST, role="user", me=ADA)
    first = await clinic.answer(CANCEL, role="user", me=ADA)
    await clinic.answer(REQUEST, role="user", me=ADA)
    second = await clinic.answer(CANCEL, role="user", me=ADA)
    assert second["id"] != first["id"]
    assert second["repeated"] is False
