"""A person is forgotten everywhere, and what law keeps of them is admin's alone (GDPR article 17)."""

import json
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest
from starlette.applications import Starlette

from agents.data_deletion.app import create_app
from agents.data_deletion.settings import DeletionSettings, Settings
from permissions.rules import ROLES
from permissions.session import Session
from permissions.view import role_view
from resolvers.pool import Pool
from schema.from_metadata import catalogue_from_metadata
from schema.tables import metadata
from server.source import platform_source
from tests.integration.agents import firebase
from tests.integration.agents.billed import api, chargebee_settings
from tests.integration.agents.deliveries import World
from tests.integration.agents.dispensing import pharmacy_settings, zendesk_settings
from tests.integration.agents.forgotten import (
    Known,
    iterable_settings,
    make_known,
    publish_all,
    standins_that_name,
    tables_that_name,
)
from tests.integration.agents.serving import serving
from tests.integration.agents.test_tasks import ACCOUNT, Door

#: What may still hold the person's ids, and why.
KEPT = {
    # That there was a customer, and that and how they were deleted (GDPR articles 5(2) and 17).
    "public.customer",
    "public.data_deletion_request",
    # The medical record.
    "healthcare.patient",
    "public.message_thread",
    "public.message",
    # Tax law.
    "public.contract",
    "chargebee.customer",
    "chargebee.subscription",
    "chargebee.invoice",
    "chargebee.invoice_line_item",
    "chargebee.transaction",
    # Who changed and read medical records (45 CFR 164.316).
    "audit.change",
    "audit.access",
}
#: Chargebee's books, which tax law has it keep, and the pharmacy's dispensing record.
KEPT_OUTSIDE = {
    "chargebee.customer",
    "chargebee.subscription",
    "chargebee.invoice",
    "chargebee.transaction",
    "chargebee.event",
    "chargebee.webhook",
    "chargebee.answer",
}
#: The pharmacy's dispensing record names the patient.
DISPENSING_RECORD = {"pharmacy.content"}
SYSTEMS = ("firebase", "pharmacy", "chargebee", "iterable", "zendesk")


@pytest.fixture(autouse=True)
def _firebase(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    firebase.use(world, monkeypatch)


@asynccontextmanager
async def listening(world: World) -> AsyncIterator[Door]:
    def build(url: str) -> Starlette:
        runtime = world.surroundings.runtime_settings("data_deletion", url, tasks_service_account=ACCOUNT)
        settings = Settings(
            runtime=runtime,
            deletion=DeletionSettings(),
            firebase=firebase.settings(),
            chargebee=chargebee_settings(world),
            iterable=iterable_settings(world),
            zendesk=zendesk_settings(world),
            pharmacy=pharmacy_settings(world),
        )
        return create_app(settings)

    async with serving(build) as url:
        token = await world.surroundings.push_token(url, account=ACCOUNT)
        yield Door(url=url, client=world.client, token=token)


async def due(world: World, known: Known, kind: str) -> dict[str, Any]:
    """What Cloud Tasks sends when a task of the request is due."""
    task = await world.row("SELECT * FROM events.scheduled_task WHERE name = $1", f"{kind}/{known.request_id}")
    return {
        "id": str(task["id"]),
        "generation": task["generation"],
        "name": task["name"],
        "kind": task["kind"],
        "due_at": task["due_at"].isoformat(),
        "payload": json.loads(task["payload"]),
    }


async def forget(world: World, known: Known) -> None:
    """The whole way, as time would take it."""
    async with listening(world) as door:
        response = await door.send(await due(world, known, "data_deletion.carry_out"))
        assert response.status_code == 204, response.text
        await publish_all(world)
        response = await door.send(await due(world, known, "data_deletion.conclude"))
        assert response.status_code == 204, response.text


async def steps(world: World, known: Known) -> dict[str, Any]:
    rows = await world.rows("SELECT step, proof FROM data_deletion_step WHERE request_id = $1", known.request_id)
    return {row["step"]: json.loads(row["proof"]) for row in rows}


async def request(world: World, known: Known) -> dict[str, Any]:
    return dict(await world.row("SELECT * FROM data_deletion_request WHERE id = $1", known.request_id))


async def test_after_it_nothing_names_the_person_and_law_s_records_are_all_that_knows_their_ids(world: World) -> None:
    known = await make_known(world)
    assert len(await tables_that_name(world, known.personal)) > 8
    assert {name.split(".")[0] for name in standins_that_name(world, known.personal)} >= {
        "identity",
        "chargebee",
        "iterable",
        "zendesk",
        "pharmacy",
    }

    await forget(world, known)

    assert await tables_that_name(world, known.personal) == set()
    assert await tables_that_name(world, known.ids) <= KEPT
    assert standins_that_name(world, known.personal) == DISPENSING_RECORD
    assert standins_that_name(world, known.ids) <= KEPT_OUTSIDE


async def test_what_is_kept_is_hidden_from_every_role_but_admin(world: World) -> None:
    known = await make_known(world)
    await forget(world, known)
    staff = await world.insert(
        "public.staff",
        {"email": f"{uuid.uuid4().hex}@example.com", "first_name": "Theo", "last_name": "Brandt", "role": "cct"},
    )
    sessions: dict[str, list[object]] = {
        "anonymous": [None],
        "newcomer": [None],
        "user": [known.customer_id],
        "provider": [known.provider_id],
        "cct": [staff],
        # The whole role, which is more than any agent has.
        "service": ["nobody"],
    }
    pool = Pool(world.surroundings.database_url, size=1)
    engine = platform_source().engine(pool)
    named = (*known.personal, *known.ids, str(known.patient_id), f'"{known.invoice_id}"')
    wanted = [text.encode() for text in named]
    try:
        assert set(sessions) == set(ROLES)
        for role, who in sessions.items():
            for user in who:
                variables = {} if user is None else {"x-hasura-user-id": str(user)}
                for name, query in questions(role):
                    session = Session(role=role, variables=variables, has_admin_secret=role == "service")
                    answer = await engine.execute(session, query)
                    assert b'"errors"' not in answer, (role, name, answer)
                    assert not [text for text in wanted if text in answer], (role, name)
        admin = await engine.execute(
            Session(role="admin"),
            f'{{ data_deletion_request_by_pk(id: "{known.request_id}") {{ status proof steps {{ step proof }}'
            " customer { id invoices { id } } } }",
        )
    finally:
        await pool.close()
    found = orjson.loads(admin)["data"]["data_deletion_request_by_pk"]
    assert found["status"] == "completed"
    assert found["customer"]["invoices"] == [{"id": known.invoice_id}]


def questions(role: str) -> list[tuple[str, str]]:
    """A question for every table that the role has, about all columns that it sees, the newest rows first."""
    view = role_view(catalogue_from_metadata(metadata), platform_source().rules, role)
    asked = []
    for key, table in view.tables.items():
        if not table.columns:
            continue
        order = "(order_by: {created_at: desc})" if "created_at" in table.columns else ""
        asked.append((key, f"{{ {table.name}{order} {{ {' '.join(table.columns)} }} }}"))
    return asked


async def test_every_system_gives_its_proof_and_the_request_keeps_them(world: World) -> None:
    known = await make_known(world)
    await forget(world, known)

    found = await request(world, known)
    assert (found["status"], found["reason"]) == ("completed", None)
    proof = json.loads(found["proof"])
    assert set(proof["steps"]) == {*SYSTEMS, "records", "events"}
    assert proof["steps"]["zendesk"]["deleted"] == {"tickets": 2, "requester": 1}
    assert proof["steps"]["pharmacy"]["cancelled"] == {"orders": 1}
    assert proof["steps"]["chargebee"]["cancelled"] == {"subscriptions": 1}
    assert proof["kept"]["tax"]["chargebee.invoice"] == 1
    assert proof["kept"]["medical"]["healthcare.prescription"] == 1
    text = found["proof"].lower()
    assert not [one for one in (*known.personal, *known.ids) if one.lower() in text]

    assert await firebase.account(world, known.firebase_uid) is None
    invoice = (await api(world, "GET", f"/invoices/{known.invoice_id}"))["invoice"]
    assert (invoice["total"], invoice["customer_id"]) == (9900, known.chargebee_id)
    subscription = (await api(world, "GET", f"/subscriptions/{known.subscription_id}"))["subscription"]
    assert subscription["status"] == "cancelled"


async def test_the_others_are_told_when_all_is_done(world: World) -> None:
    known = await make_known(world)
    async with listening(world) as door:
        await door.send(await due(world, known, "data_deletion.carry_out"))

    event = await world.event("customer.deleted", known.customer_id)
    assert event.data == {
        "customer_id": str(known.customer_id),
        "data_deletion_request_id": str(known.request_id),
    }


@pytest.mark.parametrize(
    ("system", "fault"),
    [
        *(pytest.param(system, {"status": 503}, id=f"{system} is down") for system in SYSTEMS),
        *(
            pytest.param(system, {"drop": True, "after_work": True}, id=f"{system} does it and doesn't say so")
            for system in ("firebase", "chargebee", "zendesk")
        ),
    ],
)
async def test_an_outage_of_one_system_delays_that_one_alone(world: World, system: str, fault: dict[str, Any]) -> None:
    known = await make_known(world)
    await world.misbehave(system, **fault, times=1000)
    async with listening(world) as door:
        refused = await door.send(await due(world, known, "data_deletion.carry_out"))
        assert refused.status_code == 503
        assert set(await steps(world, known)) == set(SYSTEMS) - {system}
        assert (await request(world, known))["status"] == "processing"
        calls = {one: len(await world.received(one)) for one in SYSTEMS if one != system}
        await world.behave(system)
        assert (await door.send(await due(world, known, "data_deletion.carry_out"))).status_code == 204
        # What was done is not done again.
        assert {one: len(await world.received(one)) for one in SYSTEMS if one != system} == calls

    assert set(await steps(world, known)) == {*SYSTEMS, "records"}
    # Events about the person wait for the conclusion.
    assert await tables_that_name(world, known.personal) <= {"events.outbox", "events.dead_letter"}


async def test_killed_after_any_step_it_goes_on_there(world: World) -> None:
    known = await make_known(world)
    body = await due(world, known, "data_deletion.carry_out")
    pool = Pool(world.surroundings.database_url, size=1)
    engine = platform_source().engine(pool)
    agent = Session(role="service", variables={"x-hasura-user-id": "data_deletion"})
    # As far as a process came that was killed before its write-back: begun, and our tables cleared.
    async with listening(world) as door:
        await world.misbehave("zendesk", status=503, times=1000)
        await door.send(body)
        await world.behave("zendesk")
    mutation = (
        'mutation { record_data_deletion_step(id: "%s", step: "zendesk", proof: {}) erase_customer_data(id: "%s") }'
    )
    answer = await engine.execute(agent, mutation % (known.request_id, known.request_id))
    await pool.close()
    assert b'"errors"' not in answer

    async with listening(world) as door:
        assert (await door.send(body)).status_code == 204
        again = await door.send(body)

    assert again.status_code == 204
    events = await world.rows(
        "SELECT id FROM events.outbox WHERE type = 'customer.deleted' AND subject = $1", str(known.customer_id)
    )
    assert len(events) == 1


async def test_it_is_concluded_only_when_every_event_has_left(world: World) -> None:
    known = await make_known(world)
    async with listening(world) as door:
        await door.send(await due(world, known, "data_deletion.carry_out"))
        conclusion = await due(world, known, "data_deletion.conclude")
        waiting = await door.send(conclusion)
        assert (waiting.status_code, (await request(world, known))["status"]) == (503, "processing")
        await publish_all(world)
        assert (await door.send(conclusion)).status_code == 204
    assert (await request(world, known))["status"] == "completed"


async def test_a_request_that_was_withdrawn_is_not_carried_out(world: World) -> None:
    known = await make_known(world)
    body = await due(world, known, "data_deletion.carry_out")
    await world.database.execute(
        "UPDATE data_deletion_request SET status = 'cancelled', cancelled_at = now() WHERE id = $1", known.request_id
    )
    async with listening(world) as door:
        assert (await door.send(body)).status_code == 204

    assert await firebase.account(world, known.firebase_uid) is not None
    row = await world.row("SELECT deleted_at, email FROM customer WHERE id = $1", known.customer_id)
    assert (row["deleted_at"], row["email"]) == (None, known.personal[2])


async def test_another_agent_can_not_delete_anybody(world: World) -> None:
    known = await make_known(world)
    pool = Pool(world.surroundings.database_url, size=1)
    engine = platform_source().engine(pool)
    agent = Session(role="service", variables={"x-hasura-user-id": "notification"})
    try:
        for name in ("begin_data_deletion", "erase_customer_data", "conclude_data_deletion"):
            answer = orjson.loads(await engine.execute(agent, f'mutation {{ {name}(id: "{known.request_id}") }}'))
            assert answer["errors"][0]["message"] == f"field '{name}' not found in type: 'mutation_root'"
    finally:
        await pool.close()
