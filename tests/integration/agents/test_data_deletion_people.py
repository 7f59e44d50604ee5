"""People whom nobody thought of are forgotten as well: odd names, half-made records, others' rows about them."""

import base64
import json
import uuid
from dataclasses import asdict
from typing import Any

import pytest

from integrations.chargebee.client import ChargebeeClient
from integrations.iterable.client import IterableClient
from integrations.iterable.types import Recipient
from integrations.pharmacy.client import PharmacyClient
from integrations.zendesk.client import ZendeskClient
from tests.integration.agents import firebase
from tests.integration.agents.billed import api, chargebee_settings, control, mirror
from tests.integration.agents.deliveries import World
from tests.integration.agents.dispensing import pharmacy_settings, prescribe, zendesk_settings
from tests.integration.agents.forgotten import (
    Known,
    Named,
    iterable_settings,
    make_known,
    publish_all,
    standins_that_name,
    tables_that_name,
)
from tests.integration.agents.test_data_deletion_agent import (
    DISPENSING_RECORD,
    KEPT,
    KEPT_OUTSIDE,
    due,
    forget,
    listening,
    request,
    steps,
)
from tests.integration.standins.conftest import pharmacy_order


@pytest.fixture(autouse=True)
def _firebase(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    firebase.use(world, monkeypatch)


def oddly_named() -> Named:
    mark = uuid.uuid4().hex
    return Named(
        first=f"Zoë-Añá{mark[:8]}",
        last=f"O'Briën \"d'Été\" \\ {mark[8:16]}",
        email=f"z.o'brien+care{mark}@example.com",
        phone=f"+1720{int(mark, 16) % 10**7:07}",
        street=f"{mark[16:24]} Rue de l'Église",
    )


async def assert_forgotten(world: World, known: Known) -> None:
    """Nothing names the person but what law keeps."""
    assert await tables_that_name(world, known.personal) == set()
    assert await tables_that_name(world, known.ids) <= KEPT | {"public.referral_reward"}
    assert standins_that_name(world, known.personal) <= DISPENSING_RECORD
    assert standins_that_name(world, known.ids) <= KEPT_OUTSIDE | {"chargebee.promotional_credit"}
    assert (await request(world, known))["status"] == "completed"


async def test_odd_names_addresses_and_numbers_are_forgotten_however_somebody_wrote_them(world: World) -> None:
    known = await make_known(world, oddly_named())
    first, last, email, phone, *_ = known.personal
    customer = {"customer_id": known.customer_id}
    area, exchange, line = phone[2:5], phone[5:8], phone[8:]
    for number in (f"({area}) {exchange}-{line}", f"{area}.{exchange}.{line}", f"1 {area} {exchange} {line}"):
        ticket_id = await world.insert("public.support_ticket", {**customer, "subject": f"Call {number}"})
        await world.insert(
            "public.support_ticket_comment", {"ticket_id": ticket_id, "author": "customer", "body": f"{last}: {number}"}
        )
    # A friend's invitation, with capitals and a space as people type them.
    await world.insert(
        "public.referral", {"referrer_id": await world.customer(), "referred_email": f" {email.upper()} "}
    )
    await world.insert(
        "public.notification",
        {
            **customer,
            "event_id": uuid.uuid4(),
            "channel": "sms",
            "template": "shipped",
            "recipient": phone,
            "data": json.dumps({"name": f"{first} {last}"}),
        },
    )
    assert "public.referral" in await tables_that_name(world, [email])
    assert "zendesk" in {name.split(".")[0] for name in standins_that_name(world, [first])}

    await forget(world, known)

    await assert_forgotten(world, known)


async def test_who_recommended_us_and_was_recommended_is_forgotten_and_the_rewards_are_kept(world: World) -> None:
    known = await make_known(world)
    email = known.personal[2]
    recommender, friend = await world.customer(), await world.customer()
    for referrer, referred, address in (
        (recommender, known.customer_id, email.upper()),
        (known.customer_id, friend, "friend@example.com"),
    ):
        referral_id = await world.insert(
            "public.referral",
            {"referrer_id": referrer, "referred_id": referred, "referred_email": address, "status": "completed"},
        )
        for customer_id in (referrer, referred):
            await world.insert(
                "public.referral_reward", {"referral_id": referral_id, "customer_id": customer_id, "amount": 2500}
            )
        await world.publish(
            "referral.completed", referrer, {"customer_id": str(referrer), "referral_id": str(referral_id)}
        )

    await forget(world, known)

    assert await tables_that_name(world, known.personal) == set()
    # As the referrer of a referral that earned something.
    assert await tables_that_name(world, known.ids) <= KEPT | {"public.referral_reward", "public.referral"}
    rewards = await world.rows("SELECT amount FROM public.referral_reward WHERE customer_id = $1", known.customer_id)
    assert [row["amount"] for row in rewards] == [2500, 2500]
    # The friend's own is untouched.
    row = await world.row("SELECT email, deleted_at FROM customer WHERE id = $1", friend)
    assert (row["email"] is not None, row["deleted_at"]) == (True, None)


async def test_what_agents_gave_up_is_forgotten_also_where_it_names_the_person_by_an_address_alone(
    world: World,
) -> None:
    known = await make_known(world)
    first, _, email, phone, _, uid = known.personal
    user_id = known.zendesk_user_id
    bodies: list[dict[str, Any]] = [
        {"data": {"email": email.upper(), "eventName": "emailBounce", "dataFields": {"subject": f"Dear {first}"}}},
        {"data": {"phoneNumber": phone, "eventName": "smsReceived"}},
        {"data": {"detail": {"requester_id": str(user_id), "subject": f"{first} is in pain"}}},
        {"data": {"detail": {"requester": {"id": user_id}, "subject": f"{first} is in pain"}}},
        {"data": {"uid": uid}},
        {"data_base64": base64.b64encode(f"\xff{email}".encode("latin-1")).decode()},
    ]
    for body in bodies:
        await give_up(world, "event_routing", body)
    stranger = {"data": {"email": f"x{uuid.uuid4().hex}@example.com", "detail": {"requester_id": f"{user_id}0"}}}
    kept = await give_up(world, "event_routing", stranger)
    # A task's delivery hangs on no event; what it says of the person goes with them.
    await world.database.execute(
        "INSERT INTO events.delivery (event_id, agent, attempt, outcome, error, started_at, finished_at)"
        " VALUES ($1, 'invoice', 1, 'retry', $2, now(), now())",
        uuid.uuid4(),
        f"charge: customer {known.chargebee_id} has no card",
    )

    await forget(world, known)

    await assert_forgotten(world, known)
    assert await world.rows("SELECT id FROM events.dead_letter WHERE event_id = $1", kept)


async def give_up(world: World, agent: str, event: dict[str, Any]) -> uuid.UUID:
    """A dead letter; its event's id."""
    event_id = uuid.uuid4()
    await world.database.execute(
        "INSERT INTO events.dead_letter (event_id, agent, reason, attempts, event) VALUES ($1, $2, 'x', 90, $3)",
        event_id,
        agent,
        json.dumps(event),
    )
    return event_id


async def test_what_is_somebody_else_s_and_has_the_number_of_an_invoice_stays(world: World) -> None:
    known = await make_known(world)
    number = known.invoice_id
    assert number.isdecimal()
    customer_id = str(await world.customer())
    event = await world.event("customer.inserted", customer_id)
    for name, payload in (
        ("refill", {"prescription_id": str(uuid.uuid4()), "fill_number": int(number)}),
        ("other", {"customer_id": customer_id, "attempt": number}),
    ):
        await world.database.execute(
            "INSERT INTO events.scheduled_task (name, kind, target, payload, due_at)"
            " VALUES ($1, $1, 'prescription', $2, now() + interval '1 year')",
            f"{name}-{customer_id}",
            json.dumps(payload),
        )
    await world.database.execute(
        "INSERT INTO events.delivery (event_id, agent, attempt, outcome, effects, error, started_at, finished_at)"
        " VALUES ($1, 'zendesk', 1, 'retry', $2, $3, now(), now())",
        event.id,
        json.dumps([{"system": "zendesk", "id": number}]),
        f"status 50{number}",
    )
    letter = await give_up(world, "zendesk", {"data": {"customer_id": customer_id, "ticket": int(number)}})

    await forget(world, known)

    tasks = await world.rows("SELECT status FROM events.scheduled_task WHERE name LIKE '%' || $1", customer_id)
    assert [task["status"] for task in tasks] == ["scheduled", "scheduled"]
    assert await world.rows("SELECT id FROM events.delivery WHERE event_id = $1", event.id)
    assert await world.rows("SELECT id FROM events.dead_letter WHERE event_id = $1", letter)


async def test_what_was_made_outside_and_never_written_down_here_is_forgotten(world: World) -> None:
    """A sign-up that was killed in its midst: the systems know the person, and our row knows none of their ids."""
    named = oddly_named()
    signed = await prescribe(world, customer=asdict(named, dict_factory=_as_columns))
    customer_id = str(signed.customer_id)
    known = await ask_to_be_forgotten(world, signed.customer_id, named)
    uid = await firebase.sign_in_account(world, named.email)
    async with ChargebeeClient(chargebee_settings(world)) as chargebee:
        await chargebee.create_customer(
            customer_id,
            email=named.email,
            first_name=named.first,
            last_name=named.last,
            phone=named.phone,
            idempotency_key=customer_id,
        )
        await control(world, "item_prices", id="monthly-9900-USD", price=9900, currency_code="USD")
        for number in range(2):
            # Not in our mirror yet.
            await chargebee.create_subscription(
                customer_id,
                subscription_id=f"{customer_id}-{number}",
                item_price_id="monthly-9900-USD",
                idempotency_key=f"{customer_id}-{number}",
            )
    async with ZendeskClient(zendesk_settings(world)) as zendesk:
        # Besides the record with our id, one that a mail to the team has made, under the address alone.
        await zendesk.upsert_user(customer_id, name=named.first, phone=named.phone)
        mailed = await world.client.post(
            f"{world.surroundings.zendesk}/api/v2/users.json",
            json={"user": {"name": named.last, "email": named.email}},
            auth=("care@example.com/token", "token"),
        )
        await zendesk.create_ticket(
            requester_id=mailed.json()["user"]["id"], subject=named.first, body=named.last, idempotency_key=customer_id
        )
    async with PharmacyClient(pharmacy_settings(world)) as pharmacy:
        # The first fill was ordered, and whoever did was killed before it was written down.
        row = await world.row("SELECT ncpdp_id FROM healthcare.pharmacy WHERE id = $1", signed.pharmacy_id)
        await world.client.post(
            f"{world.surroundings.pharmacy}/_control/pharmacies", json={"ncpdp_id": row["ncpdp_id"]}
        )
        order = pharmacy_order(f"{signed.id}.0", id=str(signed.id))
        made = await pharmacy.create_order(order, idempotency_key=f"{signed.id}.0")

    await forget(world, known)

    assert await tables_that_name(world, known.personal) == set()
    assert standins_that_name(world, known.personal) == set()
    proof = await steps(world, known)
    assert proof["firebase"]["deleted"] == {"account": 1}
    assert await firebase.account(world, uid) is None
    assert proof["zendesk"]["deleted"] == {"tickets": 1, "requester": 2}
    assert proof["chargebee"]["cancelled"] == {"subscriptions": 2}
    for number in range(2):
        found = (await api(world, "GET", f"/subscriptions/{customer_id}-{number}"))["subscription"]
        assert found["status"] == "cancelled"
    assert proof["pharmacy"]["cancelled"] == {"orders": 1}
    async with PharmacyClient(pharmacy_settings(world)) as pharmacy:
        assert (await pharmacy.get_order(made.id)).status == "cancelled"


def _as_columns(fields: list[tuple[str, str]]) -> dict[str, str]:
    names = {"first": "first_name", "last": "last_name", "street": "address_line1"}
    return {names.get(name, name): value for name, value in fields}


async def ask_to_be_forgotten(world: World, customer_id: uuid.UUID, named: Named) -> Known:
    """The request of somebody of whom our row is all that is known here."""
    return Known(
        customer_id=customer_id,
        patient_id=uuid.uuid4(),
        provider_id=uuid.uuid4(),
        request_id=await world.insert("public.data_deletion_request", {"customer_id": customer_id}),
        firebase_uid="",
        chargebee_id="",
        subscription_id="",
        invoice_id="",
        order_id="",
        zendesk_user_id=0,
        personal=tuple(asdict(named).values()),
        ids=(str(customer_id),),
    )


async def test_somebody_else_s_records_under_the_same_address_are_left_alone(world: World) -> None:
    known = await make_known(world)
    email = known.personal[2]
    await world.database.execute(
        "UPDATE customer SET firebase_uid = NULL, zendesk_user_id = NULL WHERE id = $1", known.customer_id
    )
    other = await world.customer()
    claims = {"x-hasura-user-id": str(other), "x-hasura-default-role": "user", "x-hasura-allowed-roles": ["user"]}
    await firebase.set_claims(world, known.firebase_uid, {firebase.CLAIMS: claims})
    async with ZendeskClient(zendesk_settings(world)) as zendesk:
        theirs = await zendesk.upsert_user(str(other), name="Somebody Else", email=f"else.{email}")
        await forget(world, known)
        assert (await zendesk.find_user(str(other))) == theirs

    assert await firebase.account(world, known.firebase_uid) is not None
    assert (await steps(world, known))["firebase"] == {"found": False}


@pytest.mark.parametrize("is_linked", [True, False])
async def test_what_chargebee_said_before_and_comes_late_brings_nobody_back(world: World, is_linked: bool) -> None:
    known = await make_known(world, oddly_named())
    before = (await api(world, "GET", f"/customers/{known.chargebee_id}"))["customer"]
    if not is_linked:
        before["id"] = str(known.customer_id)
    await forget(world, known)

    for version in (before["resource_version"], before["resource_version"] + 10**15):
        await mirror(world, "customer", {**before, "resource_version": version})

    row = await world.row("SELECT resource_version FROM chargebee.customer WHERE id = $1", before["id"])
    assert row["resource_version"] == before["resource_version"] + 10**15
    assert await tables_that_name(world, known.personal) == set()


async def test_a_customer_whom_no_system_knows_is_forgotten(world: World) -> None:
    named = oddly_named()
    customer_id = await world.insert("public.customer", {"first_name": named.first})
    known = await ask_to_be_forgotten(world, customer_id, named)

    await forget(world, known)

    assert await tables_that_name(world, known.personal) == set()
    assert await tables_that_name(world, known.ids) <= {"public.customer", "public.data_deletion_request"}
    assert (await request(world, known))["status"] == "completed"


async def test_events_of_several_contracts_that_still_wait_hold_the_conclusion_back_and_go_with_it(
    world: World,
) -> None:
    known = await make_known(world)
    customer = {"customer_id": str(known.customer_id)}
    contracts = [await world.contract(customer_id=known.customer_id) for _ in range(3)]
    for contract_id in contracts:
        await world.publish("contract.created", contract_id, {"contract_id": str(contract_id), **customer})
        await world.database.execute(
            "INSERT INTO events.scheduled_task"
            " (name, kind, target, payload, due_at, status, handed_over_at, last_error)"
            " VALUES ($1, 'contract.renewal', 'contract', $2, now() + interval '1 day', 'handed_over', now(), $3)",
            f"contract-renewal-{contract_id}",
            json.dumps({"contract_id": str(contract_id)}),
            f"contract {contract_id} of {known.chargebee_id}",
        )
    # Long ago.
    await world.database.execute(
        """
        INSERT INTO events.outbox_archive
            (id, sequence, type, topic, ordering_key, subject, data, created_at, published_at, attempts)
        SELECT uuid_v7(), -sequence - 1, type, topic, ordering_key, subject, data, created_at, now(), 1
        FROM events.outbox WHERE subject = $1
        """,
        str(contracts[0]),
    )
    async with listening(world) as door:
        assert (await door.send(await due(world, known, "data_deletion.carry_out"))).status_code == 204
        conclusion = await due(world, known, "data_deletion.conclude")
        assert (await door.send(conclusion)).status_code == 503
        await publish_all(world)
        assert (await door.send(conclusion)).status_code == 204
        # Cloud Tasks may have it twice.
        assert (await door.send(conclusion)).status_code == 204

    await assert_forgotten(world, known)
    of_contracts = [str(contract_id) for contract_id in contracts]
    assert await tables_that_name(world, of_contracts) == {"public.contract", "audit.change"}


async def test_somebody_whose_address_changed_is_forgotten_under_the_old_one_too(world: World) -> None:
    known = await make_known(world)
    old, new = known.personal[2], f"new.{known.personal[2]}"
    await world.database.execute("UPDATE customer SET email = $2 WHERE id = $1", known.customer_id, new)
    async with IterableClient(iterable_settings(world)) as iterable:
        await iterable.update_user(Recipient(user_id=str(known.customer_id), email=new), {"firstName": "Mina"})

    await forget(world, known)

    assert await tables_that_name(world, [new]) == set()
    # The friend who wrote down the old one is the only one who still has it, and nothing says whose it was.
    assert await tables_that_name(world, [old]) <= {"public.referral"}
    assert standins_that_name(world, [old, new]) <= DISPENSING_RECORD
