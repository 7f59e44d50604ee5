"""The Zendesk agent against Zendesk's stand-in and the real endpoint."""

import uuid
from typing import Any

from pydantic import SecretStr
from starlette.applications import Starlette

from agents.runtime.settings import RuntimeSettings
from agents.zendesk.app import create_app
from agents.zendesk.settings import Settings
from integrations.zendesk.settings import ZendeskSettings
from tests.integration.agents.behaviour import QUICK, AgentBehaviour
from tests.integration.agents.deliveries import Event, World


class TestZendeskAgent(AgentBehaviour):
    agent = "zendesk"
    outside = "zendesk"
    call_path = "create_or_update"

    def create_app(self, world: World, runtime: RuntimeSettings) -> Starlette:
        zendesk = ZendeskSettings(
            base_url=world.surroundings.zendesk,
            email="agent@example.com",
            api_token=SecretStr("token"),
            **QUICK,
        )
        return create_app(Settings(runtime=runtime, zendesk=zendesk))

    def outside_environment(self, world: World) -> dict[str, str]:
        return {
            "ZENDESK_BASE_URL": world.surroundings.zendesk,
            "ZENDESK_EMAIL": "agent@example.com",
            "ZENDESK_API_TOKEN": "token",
        }

    async def occasion(self, world: World) -> Event:
        customer_id = await world.customer()
        return await world.event("customer.inserted", customer_id)

    async def effects(self, world: World, event: Event) -> list[Any]:
        return await requesters(world, event.subject)

    async def written(self, world: World, event: Event) -> list[Any]:
        row = await world.row("SELECT zendesk_user_id FROM customer WHERE id = $1", uuid.UUID(event.subject))
        return [row["zendesk_user_id"]] if row["zendesk_user_id"] is not None else []

    async def test_the_requester_is_the_customer_and_its_id_comes_home(self, world: World) -> None:
        customer_id = await world.customer(first_name="Grace", last_name="Hopper", email="grace@example.com")

        async with self.listening(world) as target:
            await target.deliver(await world.event("customer.inserted", customer_id))

        (requester,) = await requesters(world, customer_id)
        assert (requester["name"], requester["email"]) == ("Grace Hopper", "grace@example.com")
        assert await self.written(world, await world.event("customer.inserted", customer_id)) == [requester["id"]]

    async def test_a_contract_of_a_known_customer_writes_nothing_back(self, world: World) -> None:
        customer_id = await world.customer()
        contract_id = await world.contract(customer_id=customer_id)
        created = await world.publish("contract.created", contract_id, contract_data(contract_id, customer_id))

        async with self.listening(world) as target:
            await target.deliver(await world.event("customer.inserted", customer_id))
            updates = await updates_of(world, customer_id)
            assert (await target.deliver(created)).status_code == 204

        assert len(await requesters(world, customer_id)) == 1
        assert updates == 1
        assert await updates_of(world, customer_id) == 1

    async def test_its_own_write_back_asks_for_nothing(self, world: World) -> None:
        customer_id = await world.customer()

        async with self.listening(world) as target:
            await target.deliver(await world.event("customer.inserted", customer_id))
            calls = len(await world.received("zendesk"))
            echo = await world.event("customer.updated", customer_id)
            response = await target.deliver(echo)
            calls_after = len(await world.received("zendesk"))

        assert echo.data["changed"] == ["zendesk_user_id"]
        assert response.status_code == 204
        assert calls_after == calls
        assert await updates_of(world, customer_id) == 1
        assert [row["outcome"] for row in await world.deliveries(echo, "zendesk")] == ["skipped"]

    async def test_a_new_name_is_passed_on_and_ends_there(self, world: World) -> None:
        customer_id = await world.customer()

        async with self.listening(world) as target:
            await target.deliver(await world.event("customer.inserted", customer_id))
            await world.database.execute("UPDATE customer SET last_name = 'Byron' WHERE id = $1", customer_id)
            await target.deliver(await world.event("customer.updated", customer_id))

        (requester,) = await requesters(world, customer_id)
        assert requester["name"] == "Ada Byron"
        # The requester's id and the name: a third update would be a loop.
        assert await updates_of(world, customer_id) == 2

    async def test_events_out_of_order_leave_the_requester_as_the_customer_is_now(self, world: World) -> None:
        customer_id = await world.customer()
        inserted = await world.event("customer.inserted", customer_id)
        await world.database.execute("UPDATE customer SET first_name = 'Augusta' WHERE id = $1", customer_id)
        updated = await world.event("customer.updated", customer_id)

        async with self.listening(world) as target:
            statuses = [(await target.deliver(event)).status_code for event in (updated, inserted)]

        assert statuses == [204, 204]
        (requester,) = await requesters(world, customer_id)
        assert requester["name"] == "Augusta Lovelace"

    async def test_a_customer_without_name_and_address_gets_a_requester_all_the_same(self, world: World) -> None:
        customer_id = await world.customer(first_name=None, last_name=None, email=None, phone=None)

        async with self.listening(world) as target:
            response = await target.deliver(await world.event("customer.inserted", customer_id))

        assert response.status_code == 204
        (requester,) = await requesters(world, customer_id)
        assert requester["name"] == str(customer_id)

    async def test_a_deleted_customer_is_left_alone(self, world: World) -> None:
        customer_id = await world.customer()
        event = await world.event("customer.inserted", customer_id)
        await world.database.execute("UPDATE customer SET deleted_at = now() WHERE id = $1", customer_id)

        async with self.listening(world) as target:
            await target.deliver(event)

        assert await requesters(world, customer_id) == []
        assert [row["outcome"] for row in await world.deliveries(event, "zendesk")] == ["skipped"]


async def requesters(world: World, customer_id: object) -> list[dict[str, Any]]:
    """The requester records of a customer."""
    answer = await world.client.get(
        f"{world.surroundings.zendesk}/api/v2/users/search.json",
        params={"external_id": str(customer_id)},
        auth=("agent@example.com/token", "token"),
    )
    users: list[dict[str, Any]] = answer.json()["users"]
    return users


async def updates_of(world: World, customer_id: uuid.UUID) -> int:
    """How often the customer's row was changed, as the outbox tells."""
    row = await world.row(
        "SELECT count(*) FROM events.outbox WHERE type = 'customer.updated' AND subject = $1", str(customer_id)
    )
    count: int = row["count"]
    return count


def contract_data(contract_id: uuid.UUID, customer_id: uuid.UUID) -> dict[str, Any]:
    """What contract.created tells."""
    return {
        "contract_id": str(contract_id),
        "customer_id": str(customer_id),
        "subscription_id": None,
        "treatment_id": str(uuid.uuid4()),
        "status": "future",
        "start_date": "2026-01-31",
        "end_date": "2026-07-31",
    }
