"""The notification agent against Iterable's stand-in and the real endpoint."""

import json
import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from pydantic import SecretStr
from starlette.applications import Starlette

from agents.notification.app import create_app
from agents.notification.settings import SendingSettings, Settings
from agents.notification.templates import MESSAGES
from agents.runtime.settings import RuntimeSettings
from integrations.iterable.settings import IterableSettings
from tests.integration.agents.behaviour import QUICK, AgentBehaviour
from tests.integration.agents.deliveries import Event, World

#: A claim lasts two seconds.
SENDING = SendingSettings(send_time_out=timedelta(seconds=1))


class TestNotificationAgent(AgentBehaviour):
    agent = "notification"
    outside = "iterable"
    call_path = "/api/email/target"

    def create_app(self, world: World, runtime: RuntimeSettings) -> Starlette:
        iterable = IterableSettings(base_url=world.surroundings.iterable, api_key=SecretStr("key"), **QUICK)
        return create_app(Settings(runtime=runtime, iterable=iterable, sending=SENDING))

    def outside_environment(self, world: World) -> dict[str, str]:
        return {"ITERABLE_BASE_URL": world.surroundings.iterable, "ITERABLE_API_KEY": "key"}

    async def occasion(self, world: World) -> Event:
        return await contract_created(world, await world.customer())

    async def effects(self, world: World, event: Event) -> list[Any]:
        return [one for one in await sent(world, event.data["customer_id"]) if one["event"] == str(event.id)]

    async def written(self, world: World, event: Event) -> list[Any]:
        # While it is queued, it is a claim and not a record.
        return [row for row in await notifications(world, event) if row["status"] not in {"queued", "failed"}]

    def is_effect(self, call: Mapping[str, Any]) -> bool:
        return str(call["path"]) == self.call_path

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
        invoice_id = f"inv-{uuid.uuid4().hex}"
        data = {"invoice_id": invoice_id, "customer_id": str(customer_id)}
        event = await world.publish("invoice.payment_failed", invoice_id, data)

        async with self.listening(world) as target:
            statuses = [(await target.deliver(event)).status_code for _ in range(2)]

        assert statuses == [204, 204]
        # Care or law require it, so that the opt-out doesn't count for the e-mail.
        assert sorted(message["medium"] for message in await sent(world, customer_id)) == ["Email", "SMS"]
        assert sorted(row["channel"] for row in await notifications(world, event)) == ["email", "sms"]

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
