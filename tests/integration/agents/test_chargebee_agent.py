"""The chargebee agent against Chargebee's stand-in and the real endpoint, through Chargebee's own SDK."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest
from pydantic import SecretStr
from starlette.applications import Starlette

from agents.chargebee.app import create_app
from agents.chargebee.settings import EtlSettings, Settings
from agents.charging.settings import RetrySettings
from agents.runtime.settings import RuntimeSettings
from integrations.zendesk.settings import ZendeskSettings
from tests.integration.agents.behaviour import QUICK, AgentBehaviour
from tests.integration.agents.deliveries import Event, World
from tests.integration.agents.test_contract_agent import ITEM_PRICE, chargebee_settings, in_chargebee

CUSTOMERS = "/api/v2/customers"


class TestChargebeeAgent(AgentBehaviour):
    agent = "chargebee"
    outside = "chargebee"
    call_path = CUSTOMERS
    effect_path = f"{CUSTOMERS}$"

    def create_app(self, world: World, runtime: RuntimeSettings) -> Starlette:
        return create_app(settings(world, runtime))

    def outside_environment(self, world: World) -> dict[str, str]:
        chargebee = chargebee_settings(world)
        return {
            "CHARGEBEE_SITE": chargebee.site,
            "CHARGEBEE_DOMAIN": chargebee.domain,
            "CHARGEBEE_PROTOCOL": chargebee.protocol,
            "CHARGEBEE_API_KEY": chargebee.api_key.get_secret_value(),
            "ZENDESK_BASE_URL": world.surroundings.zendesk,
            "ZENDESK_EMAIL": "agent@example.com",
            "ZENDESK_API_TOKEN": "token",
        }

    async def occasion(self, world: World) -> Event:
        return await world.event("customer.inserted", await world.customer())

    async def effects(self, world: World, event: Event) -> list[Any]:
        return await told(world, "customer_created", event.subject)

    async def written(self, world: World, event: Event) -> list[Any]:
        return await world.rows(
            "SELECT chargebee_customer_id FROM customer WHERE id::text = $1 AND chargebee_customer_id IS NOT NULL",
            event.subject,
        )

    async def test_a_new_customer_is_one_in_chargebee_under_our_own_id(self, world: World) -> None:
        customer_id = await world.customer(first_name="Grace", last_name="Hopper", email=None)
        inserted = await world.event("customer.inserted", customer_id)
        signed_up = await world.publish("customer.signed_up", customer_id, {"customer_id": str(customer_id)})

        async with self.listening(world) as target:
            statuses = [(await target.deliver(event)).status_code for event in (inserted, signed_up)]

        assert statuses == [204, 204]
        customer = await of_chargebee(world, "customers", customer_id)
        assert (customer["first_name"], customer["last_name"], customer.get("email")) == ("Grace", "Hopper", None)
        row = await world.row("SELECT chargebee_customer_id FROM customer WHERE id = $1", customer_id)
        assert row["chargebee_customer_id"] == str(customer_id)
        (second,) = await world.deliveries(signed_up, "chargebee")
        assert second["outcome"] == "skipped"

    async def test_what_changes_of_a_person_reaches_chargebee_and_what_is_taken_away_goes_there(
        self, world: World
    ) -> None:
        customer_id = await world.customer(first_name="Grace", phone="+12025550100")
        async with self.listening(world) as target:
            await target.deliver(await world.event("customer.inserted", customer_id))
            await world.database.execute(
                "UPDATE customer SET first_name = 'Rear Admiral', phone = NULL WHERE id = $1", customer_id
            )
            response = await target.deliver(await world.event("customer.updated", customer_id))

        assert response.status_code == 204
        customer = await of_chargebee(world, "customers", customer_id)
        assert (customer["first_name"], customer.get("phone")) == ("Rear Admiral", None)

    async def test_its_own_writing_and_what_chargebee_does_not_know_ask_for_nothing(self, world: World) -> None:
        customer_id = await world.customer()
        async with self.listening(world) as target:
            await target.deliver(await world.event("customer.inserted", customer_id))
            calls = len(await world.received("chargebee"))
            await target.deliver(await world.event("customer.updated", customer_id))
            await world.database.execute("UPDATE customer SET timezone = 'Asia/Tokyo' WHERE id = $1", customer_id)
            timezone = await world.event("customer.updated", customer_id)
            await target.deliver(timezone)

        assert len(await world.received("chargebee")) == calls
        (delivery,) = await world.deliveries(timezone, "chargebee")
        assert delivery["outcome"] == "skipped"

    async def test_a_deleted_customer_is_left_alone(self, world: World) -> None:
        customer_id = await world.customer()
        inserted = await world.event("customer.inserted", customer_id)
        await world.database.execute("UPDATE customer SET deleted_at = now() WHERE id = $1", customer_id)
        calls = len(await world.received("chargebee"))

        async with self.listening(world) as target:
            response = await target.deliver(inserted)

        assert response.status_code == 204
        assert len(await world.received("chargebee")) == calls

    @pytest.mark.parametrize("known", [True, False])
    async def test_a_contract_without_a_subscription_gets_one_whether_its_customer_is_in_chargebee_or_not_yet(
        self, world: World, known: bool
    ) -> None:
        customer_id = await world.customer()
        contract_id = await contract(world, customer_id=customer_id, start_date=date(2026, 1, 31))
        async with self.listening(world) as target:
            if known:
                await target.deliver(await world.event("customer.inserted", customer_id))
            inserted = await world.event("contract.inserted", contract_id)
            response = await target.deliver(inserted)
            again = await target.deliver(await world.event("contract.updated", contract_id))

        assert (response.status_code, again.status_code) == (204, 204)
        subscription = await in_chargebee(world, str(contract_id))
        assert (subscription["status"], subscription["cf_contract_id"]) == ("active", str(contract_id))
        assert subscription["customer_id"] == str(customer_id)
        row = await world.row("SELECT subscription_id FROM contract WHERE id = $1", contract_id)
        assert row["subscription_id"] == str(contract_id)
        assert len(await told(world, "subscription_created", contract_id)) == 1

    async def test_a_contract_that_begins_later_has_a_future_subscription_also_on_a_leap_day(
        self, world: World
    ) -> None:
        contract_id = await contract(world, start_date=date(2028, 2, 29))
        async with self.listening(world) as target:
            await target.deliver(await world.event("contract.inserted", contract_id))

        subscription = await in_chargebee(world, str(contract_id))
        assert (subscription["status"], subscription["start_date"]) == ("future", 1_835_395_200)

    async def test_a_treatment_with_an_upfront_option_is_paid_at_once(self, world: World) -> None:
        await price(world, "test-upfront", amount=49_900, period=6)
        treatment_id = await world.treatment(
            has_upfront_payment_option=True,
            upfront_item_price_id="test-upfront",
            upfront_price=49_900,
            monthly_item_price_id=ITEM_PRICE,
        )
        contract_id = await contract(world, treatment_id=treatment_id)
        async with self.listening(world) as target:
            await target.deliver(await world.event("contract.inserted", contract_id))

        (item,) = (await in_chargebee(world, str(contract_id)))["subscription_items"]
        assert item["item_price_id"] == "test-upfront"

    async def test_contracts_that_are_over_or_have_a_subscription_ask_for_nothing(self, world: World) -> None:
        over = await contract(world, status="cancelled")
        has_one = await contract(world, subscription_id="elsewhere")
        calls = len(await world.received("chargebee"))

        async with self.listening(world) as target:
            statuses = [
                (await target.deliver(await world.event("contract.inserted", one))).status_code
                for one in (over, has_one)
            ]

        assert statuses == [204, 204]
        assert len(await world.received("chargebee")) == calls


def settings(world: World, runtime: RuntimeSettings) -> Settings:
    return Settings(
        runtime=runtime,
        chargebee=chargebee_settings(world),
        zendesk=ZendeskSettings(
            base_url=world.surroundings.zendesk, email="agent@example.com", api_token=SecretStr("token"), **QUICK
        ),
        etl=EtlSettings(),
        retries=RetrySettings(),
    )


async def contract(world: World, **columns: Any) -> Any:
    """A contract of a treatment whose price Chargebee has."""
    await price(world, ITEM_PRICE, amount=9_900, period=1)
    if "treatment_id" not in columns:
        columns["treatment_id"] = await world.treatment(monthly_item_price_id=ITEM_PRICE)
    return await world.contract(**columns)


async def price(world: World, name: str, *, amount: int, period: int) -> None:
    given = {"id": name, "price": amount, "period": period, "period_unit": "month", "currency_code": "USD"}
    await control(world, "item_prices", given)


async def control(world: World, path: str, body: Mapping[str, Any]) -> None:
    answer = await world.client.post(f"{world.surroundings.chargebee}/_control/{path}", json=body)
    assert answer.status_code == 200, answer.text


async def of_chargebee(world: World, path: str, key: object) -> dict[str, Any]:
    """A resource as Chargebee has it."""
    answer = await world.client.get(f"{world.surroundings.chargebee}/api/v2/{path}/{key}", auth=("key", ""))
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()[path.removesuffix("s")]
    return found


async def told(world: World, event_type: str, key: object) -> list[dict[str, Any]]:
    """Chargebee's events of a type about a resource."""
    answer = await world.client.get(
        f"{world.surroundings.chargebee}/api/v2/events",
        params={"event_type[is]": event_type, "limit": 100, "sort_by[desc]": "occurred_at"},
        auth=("key", ""),
    )
    kind = event_type.partition("_")[0]
    events = [one["event"] for one in answer.json()["list"]]
    return [event for event in events if event["content"][kind]["id"] == str(key)]
