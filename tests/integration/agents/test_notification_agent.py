"""The notification agent against Iterable's stand-in and the real endpoint."""

import json
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from starlette.applications import Starlette

from agents.notification.app import create_app
from agents.notification.settings import SendingSettings, Settings
from agents.notification.templates import MESSAGES
from agents.runtime.settings import RuntimeSettings
from integrations.flags.settings import FlagSettings
from integrations.iterable.settings import IterableSettings
from local.layout import PROJECT
from tests.integration.agents.behaviour import QUICK, AgentBehaviour
from tests.integration.agents.deliveries import Event, World
from tests.integration.agents.serving import serving

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)
MIDNIGHT = datetime(2026, 1, 15, 23, 59, tzinfo=UTC)
MORNING = datetime(2026, 1, 16, 8, tzinfo=UTC)
ACCOUNT = f"tasks@{PROJECT}.iam.gserviceaccount.com"
#: A claim lasts two seconds.
SENDING = SendingSettings(send_time_out=timedelta(seconds=1))
#: What events of charges have in common, and what those that end the matter have besides.
CHARGE: dict[str, Any] = {"currency_code": "USD", "amount_text": "9.00 USD", "decline_code": "insufficient_funds"}
ENDS: dict[str, dict[str, Any]] = {
    "invoice.payment_recovered": {"subscription_id": None, "amount": 900},
    "invoice.payment_exhausted": {"subscription_id": None, "amount_due": 900, "subscription_policy": "keep"},
}


class TestNotificationAgent(AgentBehaviour):
    agent = "notification"
    outside = "iterable"
    call_path = "/api/email/target"
    #: For customers whose time is UTC, nobody's night.
    now = NOON
    flags = FlagSettings()

    def create_app(self, world: World, runtime: RuntimeSettings) -> Starlette:
        iterable = IterableSettings(base_url=world.surroundings.iterable, api_key=SecretStr("key"), **QUICK)
        settings = Settings(runtime=runtime, iterable=iterable, sending=SENDING, flags=self.flags)
        return create_app(settings, clock=lambda: self.now)

    def outside_environment(self, world: World) -> dict[str, str]:
        return {"ITERABLE_BASE_URL": world.surroundings.iterable, "ITERABLE_API_KEY": "key"}

    async def occasion(self, world: World) -> Event:
        return await contract_created(world, await world.customer())

    async def effects(self, world: World, event: Event) -> list[Any]:
        return [one for one in await sent(world, event.data["customer_id"]) if one["event"] == str(event.id)]

    async def written(self, world: World, event: Event) -> list[Any]:
        # While it is queued, it is a claim and not a record.
        return [row for row in await notifications(world, event) if row["status"] not in {"queued", "failed"}]

    async def test_a_new_contract_sends_one_welcome_and_records_its_number(self, world: World) -> None:
        customer_id = await world.customer(first_name="Ada", email="ada@example.com")
        event = await contract_created(world, customer_id)

        async with self.listening(world) as target:
            await target.deliver(event)

        (message,) = await sent(world, customer_id)
        assert message["campaign"] == "contract_welcome"
        assert message["data"]["first_name"] == "Ada"
        assert message["data"]["contract_id"] == event.subject
        (row,) = await notifications(world, event)
        assert (row["channel"], row["template"], row["status"]) == ("email", "contract_welcome", "sent")
        assert row["customer_id"] == customer_id
        assert row["provider_message_id"] == message["id"]
        assert row["recipient"] == "ada@example.com"
        assert row["sent_at"] is not None
        assert "first_name" not in json.loads(row["data"])

    @pytest.mark.parametrize(
        ("columns", "reason"),
        [
            ({"email": None}, "the customer has no e-mail address"),
            ({"email_opt_out": True}, "the customer opted out of e-mail"),
        ],
    )
    async def test_who_cannot_or_will_not_be_reached_gets_nothing_and_it_is_recorded(
        self, world: World, columns: dict[str, Any], reason: str
    ) -> None:
        customer_id = await world.customer(**columns)
        event = await contract_created(world, customer_id)

        async with self.listening(world) as target:
            response = await target.deliver(event)

        assert response.status_code == 204
        assert await sent(world, customer_id) == []
        (row,) = await notifications(world, event)
        assert (row["status"], row["status_reason"]) == ("suppressed", reason)
        assert (row["provider_message_id"], row["sent_at"]) == (None, None)
        (delivery,) = await world.deliveries(event, "notification")
        assert delivery["outcome"] == "done"
        assert delivery["effects"][0]["skipped"] == reason

    async def test_a_message_goes_to_the_address_of_now_whatever_the_profile_had(self, world: World) -> None:
        """A profile that a purchase made has no address, and one that a message made has the address of then."""
        customer_id = await world.customer(email=None)
        headers = {"api-key": "key"}
        url = f"{world.surroundings.iterable}/api/users"
        body = {"userId": str(customer_id), "preferUserId": True}
        assert (await world.client.post(f"{url}/update", json=body, headers=headers)).status_code == 200
        new = f"{customer_id.hex}@example.com"

        async with self.listening(world) as target:
            for email in (f"old.{new}", new):
                await world.database.execute("UPDATE customer SET email = $2 WHERE id = $1", customer_id, email)
                assert (await target.deliver(await contract_created(world, customer_id))).status_code == 204
                profile = (await world.client.get(f"{url}/byUserId/{customer_id}", headers=headers)).json()["user"]
                assert profile["email"] == email

        assert len(await sent(world, customer_id)) == 2

    async def test_a_renewal_welcomes_nobody(self, world: World) -> None:
        customer_id = await world.customer()
        event = await contract_created(world, customer_id, renewed_from_id=str(uuid.uuid4()))

        async with self.listening(world) as target:
            await target.deliver(event)

        assert await sent(world, customer_id) == []
        assert await notifications(world, event) == []
        assert [row["outcome"] for row in await world.deliveries(event, "notification")] == ["skipped"]

    async def test_a_failed_payment_goes_out_by_e_mail_and_sms_each_once(self, world: World) -> None:
        customer_id = await world.customer(email_opt_out=True)
        event = await payment_failed(world, customer_id)

        async with self.listening(world) as target:
            statuses = [(await target.deliver(event)).status_code for _ in range(2)]

        assert statuses == [204, 204]
        # Care or law require it, so that the opt-out doesn't count for the e-mail.
        assert sorted(message["medium"] for message in await sent(world, customer_id)) == ["Email", "SMS"]
        assert sorted(row["channel"] for row in await notifications(world, event)) == ["email", "sms"]

    async def test_who_is_written_to_by_the_care_team_hears_that_and_not_what(self, world: World) -> None:
        customer_id = await world.customer()
        event = await written_to(world, customer_id, "cct")

        async with self.listening(world) as target:
            statuses = [(await target.deliver(event)).status_code for _ in range(2)]

        assert statuses == [204, 204]
        (message,) = await sent(world, customer_id)
        assert (message["campaign"], message["medium"]) == ("message_received", "Email")
        assert message["data"]["thread_id"] == event.data["thread_id"]
        (row,) = await notifications(world, event)
        assert (row["template"], row["channel"], row["status"]) == ("message_received", "email", "sent")
        assert "four" not in f"{message} {row}"

    @pytest.mark.parametrize("writer", ["customer", "system"])
    async def test_nobody_hears_of_what_they_or_no_member_of_staff_wrote(self, world: World, writer: str) -> None:
        customer_id = await world.customer()
        event = await written_to(world, customer_id, writer)

        async with self.listening(world) as target:
            assert (await target.deliver(event)).status_code == 204

        assert await sent(world, customer_id) == await notifications(world, event) == []

    async def test_a_message_of_the_care_team_is_no_reason_to_pass_over_an_opt_out(self, world: World) -> None:
        customer_id = await world.customer(email_opt_out=True)
        event = await written_to(world, customer_id, "provider")

        async with self.listening(world) as target:
            await target.deliver(event)

        assert await sent(world, customer_id) == []
        (row,) = await notifications(world, event)
        assert (row["status"], row["status_reason"]) == ("suppressed", "the customer opted out of e-mail")

    async def test_a_flag_switches_text_messages_off_and_on_while_the_agent_runs(
        self, world: World, tmp_path: Path
    ) -> None:
        self.flags = FlagSettings(file=tmp_path / "flags.json")
        (tmp_path / "flags.json").write_text('{"sms-notifications": false}')
        customer_id = await world.customer()
        first = await payment_failed(world, customer_id)
        second = await payment_failed(world, customer_id)

        async with self.listening(world) as target:
            await target.deliver(first)
            (tmp_path / "flags.json").write_text('{"sms-notifications": true}')
            await target.deliver(second)

        rows = {
            (one, row["channel"]): (row["status"], row["status_reason"])
            for one, event in enumerate((first, second))
            for row in await notifications(world, event)
        }
        assert rows[0, "sms"] == ("suppressed", "text messages are switched off")
        assert rows[1, "sms"] == ("sent", None)
        assert {rows[0, "email"], rows[1, "email"]} == {("sent", None)}

    async def test_a_text_message_waits_for_the_end_of_quiet_hours_and_an_e_mail_does_not(self, world: World) -> None:
        customer_id = await world.customer()
        event = await payment_failed(world, customer_id)
        self.now = MIDNIGHT

        async with self.listening(world, tasks_service_account=ACCOUNT) as target:
            statuses = [(await target.deliver(event)).status_code for _ in range(2)]

        assert statuses == [204, 204]
        assert [message["medium"] for message in await sent(world, customer_id)] == ["Email"]
        waiting = {row["channel"]: row for row in await notifications(world, event)}["sms"]
        assert waiting["status"] == "queued"
        assert waiting["status_reason"] == f"quiet hours until {MORNING.isoformat()}"
        (task,) = await tasks(world, event)
        assert (task["kind"], task["target"], task["due_at"]) == ("notification.send", "notification", MORNING)

    async def test_what_waited_is_sent_once_when_quiet_hours_are_over(self, world: World) -> None:
        customer_id, event = await self.put_off(world)
        # A claim that is this young would be another process's that sends it now.
        await grow_old(world, event)
        self.now = MORNING

        assert [await self.run_task(world, event, generation) for generation in (0, 0, 1)] == [204, 204, 204]

        assert sorted(message["medium"] for message in await sent(world, customer_id)) == ["Email", "SMS"]
        assert {row["status"] for row in await notifications(world, event)} == {"sent"}

    @pytest.mark.parametrize(
        ("change", "reason"),
        [
            ("sms_opt_out = true", "the customer opted out of text messages"),
            ("phone = NULL", "the customer has no phone number"),
            ("deleted_at = now(), firebase_uid = NULL", "the customer is gone"),
        ],
    )
    async def test_what_waited_is_not_sent_to_who_will_not_have_it_by_then(
        self, world: World, change: str, reason: str
    ) -> None:
        customer_id, event = await self.put_off(world)
        await world.database.execute(f"UPDATE customer SET {change} WHERE id = $1", customer_id)  # noqa: S608 - ours
        self.now = MORNING

        assert await self.run_task(world, event) == 204

        assert [message["medium"] for message in await sent(world, customer_id)] == ["Email"]
        row = {row["channel"]: row for row in await notifications(world, event)}["sms"]
        assert (row["status"], row["status_reason"]) == ("suppressed", reason)

    async def test_what_waited_waits_on_when_the_customer_sleeps_longer(self, world: World) -> None:
        customer_id, event = await self.put_off(world)
        await world.database.execute("UPDATE customer SET quiet_hours_end = '10:00' WHERE id = $1", customer_id)
        self.now = MORNING

        assert await self.run_task(world, event) == 204

        assert [message["medium"] for message in await sent(world, customer_id)] == ["Email"]
        assert [task["due_at"] for task in await tasks(world, event)] == [MORNING, MORNING + timedelta(hours=2)]

    async def test_what_waited_goes_when_its_task_comes_though_the_clock_here_is_behind(self, world: World) -> None:
        """Else it would be planned for the same moment under the same name, which is there already, and never go."""
        customer_id, event = await self.put_off(world)
        await grow_old(world, event)
        self.now = MORNING - timedelta(milliseconds=20)

        assert await self.run_task(world, event) == 204

        assert sorted(message["medium"] for message in await sent(world, customer_id)) == ["Email", "SMS"]

    @pytest.mark.parametrize("end", ENDS)
    async def test_in_the_morning_nobody_hears_of_a_failed_payment_that_is_over(self, world: World, end: str) -> None:
        customer_id, event = await self.put_off(world)
        other = await payment_failed(world, customer_id)
        over = await world.publish(end, event.subject, {**event.data, **CHARGE, **ENDS[end]})
        async with self.listening(world) as target:
            assert [(await target.deliver(one)).status_code for one in (other, over)] == [204, 204]
        self.now = MORNING

        assert await self.run_task(world, event) == 204

        assert {message["medium"] for message in await sent(world, customer_id)} == {"Email"}
        row = {row["channel"]: row for row in await notifications(world, event)}["sms"]
        assert (row["status"], row["status_reason"]) == ("suppressed", f"overtaken by {end}")
        # What is told of another invoice waits on.
        assert {row["channel"]: row["status"] for row in await notifications(world, other)}["sms"] == "queued"

    @pytest.mark.parametrize("end", ["contract.activated", "contract.payment_exhausted", "contract.cancelled"])
    async def test_in_the_morning_nobody_hears_of_a_declined_first_payment_that_is_over(
        self, world: World, end: str
    ) -> None:
        event = await self.first_payment(world, "contract.payment_declined")
        over = await world.publish(end, event.subject, {**event.data, "at_once": True})
        self.now = MIDNIGHT

        async with self.listening(world) as target:
            assert [(await target.deliver(one)).status_code for one in (event, over)] == [204, 204]

        row = {row["channel"]: row for row in await notifications(world, event)}["sms"]
        assert (row["status"], row["status_reason"]) == ("suppressed", f"overtaken by {end}")

    async def test_whoever_s_first_payment_was_given_up_is_told_by_e_mail_once_whatever_they_opted_out_of(
        self, world: World
    ) -> None:
        event = await self.first_payment(world, "contract.payment_exhausted", email_opt_out=True)
        async with self.listening(world) as target:
            assert [(await target.deliver(event)).status_code for _ in range(2)] == [204, 204]

        (message,) = await sent(world, uuid.UUID(event.data["customer_id"]))
        assert (message["campaign"], message["medium"]) == ("first_payment_exhausted", "Email")
        assert message["data"]["amount_text"] == event.data["amount_text"]

    async def first_payment(self, world: World, event_type: str, **customer: Any) -> Event:
        """An event about the first charge of a customer's contract."""
        customer_id = await world.customer(**customer)
        created = await contract_created(world, customer_id)
        charge = CHARGE | {"amount": 900, "new_card_needed": False}
        return await world.publish(event_type, created.subject, {**created.data, **charge})

    async def put_off(self, world: World) -> tuple[uuid.UUID, Event]:
        """A customer whose text message waits."""
        customer_id = await world.customer()
        event = await payment_failed(world, customer_id)
        self.now = MIDNIGHT
        async with self.listening(world) as target:
            # The e-mail may take longer than it is given here, on a machine that does much else.
            await self.deliver_until_done(target, event)
        return customer_id, event

    async def run_task(self, world: World, event: Event, generation: int = 0) -> int:
        """The first planned task of an event, as Cloud Tasks calls it; the answer's status."""
        task, *_ = await tasks(world, event)
        body = {
            "id": str(task["id"]),
            "generation": generation,
            "name": task["name"],
            "kind": task["kind"],
            "due_at": task["due_at"].isoformat(),
            "payload": json.loads(task["payload"]),
        }

        def app(url: str) -> Starlette:
            settings = world.surroundings.runtime_settings(self.agent, url, tasks_service_account=ACCOUNT)
            return self.create_app(world, settings)

        async with serving(app) as url:
            token = await world.surroundings.push_token(url, account=ACCOUNT)
            headers = {"authorization": f"Bearer {token}"}
            return (await world.client.post(f"{url}/tasks", content=json.dumps(body), headers=headers)).status_code

    async def test_a_portal_message_needs_nobody_outside(self, world: World) -> None:
        customer_id = await world.customer(email=None)
        prescription_id = uuid.uuid4()
        data = {"prescription_id": str(prescription_id), "customer_id": str(customer_id)}
        event = await world.publish("prescription.shipped", prescription_id, data)

        async with self.listening(world) as target:
            await target.deliver(event)

        rows = {row["channel"]: row["status"] for row in await notifications(world, event)}
        assert rows == {"portal": "delivered", "email": "suppressed"}

    async def test_events_out_of_order_send_each_their_own(self, world: World) -> None:
        customer_id = await world.customer()
        created = await contract_created(world, customer_id)
        activated = await world.publish("contract.activated", created.subject, dict(created.data))

        async with self.listening(world) as target:
            statuses = [(await target.deliver(event)).status_code for event in (activated, created)]

        assert statuses == [204, 204]
        campaigns = sorted(message["campaign"] for message in await sent(world, customer_id))
        assert campaigns == ["contract_activated", "contract_welcome"]

    async def test_a_customer_unknown_here_is_no_reason_to_try_for_ever(self, world: World) -> None:
        event = await contract_created(world, uuid.uuid4())

        async with self.listening(world) as target:
            response = await target.deliver(event)

        assert response.status_code == 204
        assert [row["outcome"] for row in await world.deliveries(event, "notification")] == ["skipped"]

    async def test_a_template_that_iterable_does_not_know_is_a_dead_letter(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (welcome,) = (message for message in MESSAGES if message.template == "contract_welcome")
        unknown = type(welcome)(event=welcome.event, template="not_there", channel=welcome.channel)
        monkeypatch.setattr("agents.notification.app.MESSAGES", (unknown,))
        event = await self.occasion(world)

        async with self.listening(world) as target:
            response = await target.deliver(event)

        assert response.status_code == 204
        (letter,) = await world.dead_letters(event.id, "notification")
        assert "unknown_template" in letter["reason"]
        (row,) = await notifications(world, event)
        assert row["status"] == "failed"
        assert "unknown_template" in row["status_reason"]
        await self.assert_untouched(world, event)

    async def test_a_failed_message_is_sent_by_a_replay(self, world: World) -> None:
        event = await self.occasion(world)
        async with self.listening(world) as target:
            await world.misbehave("iterable", status=400, path=self.call_path)
            assert (await target.deliver(event)).status_code == 204
            assert [row["status"] for row in await notifications(world, event)] == ["failed"]

            assert (await target.deliver(event)).status_code == 204

        assert [row["status"] for row in await notifications(world, event)] == ["sent"]
        await self.assert_done_once(world, event)

    async def test_a_replay_after_the_inbox_was_cleaned_sends_nothing(self, world: World) -> None:
        event = await self.occasion(world)
        async with self.listening(world) as target:
            await target.deliver(event)
            await world.database.execute("DELETE FROM events.inbox WHERE event_id = $1", event.id)

            assert (await target.deliver(event)).status_code == 204

        assert len(await self.effects(world, event)) == 1
        assert [row["status"] for row in await notifications(world, event)] == ["sent"]

    async def test_who_finds_a_message_claimed_waits_until_the_claim_is_stale(self, world: World) -> None:
        event = await self.occasion(world)
        await world.row(
            """
            INSERT INTO notification (event_id, customer_id, channel, template, status, status_reason)
            VALUES ($1, $2, 'email', 'contract_welcome', 'queued', 'claimed by another') RETURNING id
            """,
            event.id,
            uuid.UUID(event.data["customer_id"]),
        )
        async with self.listening(world) as target:
            refused = await target.deliver(event)
            assert await self.effects(world, event) == []
            await self.deliver_until_done(target, event)

        assert refused.status_code == 503
        assert int(refused.headers["retry-after"]) == 2
        await self.assert_done_once(world, event)


async def contract_created(world: World, customer_id: uuid.UUID, **changes: Any) -> Event:
    """The event that a contract of that customer stands."""
    contract_id = uuid.uuid4()
    data = {
        "contract_id": str(contract_id),
        "customer_id": str(customer_id),
        "subscription_id": None,
        "treatment_id": str(uuid.uuid4()),
        "status": "future",
        "start_date": "2026-01-31",
        "end_date": "2026-07-31",
    }
    return await world.publish("contract.created", contract_id, data | changes)


async def payment_failed(world: World, customer_id: uuid.UUID) -> Event:
    """The event that an invoice of that customer could not be collected."""
    invoice_id = f"inv-{uuid.uuid4().hex}"
    data = {"invoice_id": invoice_id, "customer_id": str(customer_id)}
    return await world.publish("invoice.payment_failed", invoice_id, data)


async def written_to(world: World, customer_id: uuid.UUID, role: str) -> Event:
    """The event that somebody in that role wrote into a conversation with the customer."""
    thread_id = await world.insert("public.message_thread", {"customer_id": customer_id, "subject": "Sleep at four"})
    sender: dict[str, Any] = {"sender_role": role}
    if role == "customer":
        sender["sender_customer_id"] = customer_id
    elif role != "system":
        name = {"first_name": "Grace", "last_name": "Hopper", "email": f"{uuid.uuid4().hex}@example.com"}
        sender["sender_staff_id"] = await world.insert("public.staff", {**name, "role": role})
    await world.insert("public.message", {"thread_id": thread_id, "body": "Do you still wake at four?", **sender})
    return await world.event("message.sent", customer_id)


async def tasks(world: World, event: Event) -> list[dict[str, Any]]:
    """What is planned for the messages of an event, by when it is due."""
    return await world.rows(
        "SELECT * FROM events.scheduled_task WHERE name LIKE $1 ORDER BY due_at", f"notification-{event.id}-%"
    )


async def grow_old(world: World, event: Event) -> None:
    """As if the messages of an event had been written an hour ago."""
    async with world.database.transaction():
        await world.database.execute("SET LOCAL session_replication_role = replica")
        await world.database.execute(
            "UPDATE notification SET updated_at = updated_at - interval '1 hour' WHERE event_id = $1", event.id
        )


async def sent(world: World, customer_id: object) -> list[dict[str, Any]]:
    """The messages that Iterable sent to a customer, and for which of our events."""
    answer = await world.client.get(
        f"{world.surroundings.iterable}/api/users/getSentMessages",
        params={"userId": str(customer_id), "limit": 100},
        headers={"api-key": "key"},
    )
    return [
        {
            "id": message["messageId"],
            "campaign": message["campaignName"],
            "medium": message["messageMedium"],
            "data": message["dataFields"],
            "event": message["dataFields"]["caregraphKey"].split(":")[0],
        }
        for message in answer.json().get("messages", [])
    ]


async def notifications(world: World, event: Event) -> list[dict[str, Any]]:
    """What the notification agent recorded for an event."""
    return await world.rows(
        """
        SELECT customer_id, channel, template, status, status_reason, recipient, provider_message_id, data, sent_at
        FROM notification WHERE event_id = $1 ORDER BY channel
        """,
        event.id,
    )
