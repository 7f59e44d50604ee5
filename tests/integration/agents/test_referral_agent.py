"""The referral agent against Chargebee's stand-in and the real endpoint."""

import asyncio
import json
import uuid
from dataclasses import dataclass
from typing import Any

import pytest
from starlette.applications import Starlette

from agents.referral.app import create_app
from agents.referral.settings import RewardSettings, Settings
from agents.runtime.settings import RuntimeSettings
from integrations.chargebee.client import ChargebeeClient
from tests.integration.agents.behaviour import AgentBehaviour, unique
from tests.integration.agents.deliveries import Event, World
from tests.integration.agents.test_contract_agent import chargebee_settings


@dataclass(frozen=True, kw_only=True)
class Referral:
    """A friend who has entered a code, and the one who gave it."""

    id: uuid.UUID
    referrer: uuid.UUID
    friend: uuid.UUID


class TestReferralAgent(AgentBehaviour):
    agent = "referral"
    outside = "chargebee"
    call_path = "promotional_credits/add"

    def create_app(self, world: World, runtime: RuntimeSettings) -> Starlette:
        return create_app(Settings(runtime=runtime, chargebee=chargebee_settings(world), rewards=RewardSettings()))

    def outside_environment(self, world: World) -> dict[str, str]:
        settings = chargebee_settings(world)
        return {
            "CHARGEBEE_SITE": settings.site,
            "CHARGEBEE_DOMAIN": settings.domain,
            "CHARGEBEE_PROTOCOL": settings.protocol,
            "CHARGEBEE_API_KEY": settings.api_key.get_secret_value(),
        }

    async def occasion(self, world: World) -> Event:
        return await activated(world, (await referral(world)).friend)

    async def effects(self, world: World, event: Event) -> list[Any]:
        friend = uuid.UUID(str(event.data["customer_id"]))
        row = await world.row("SELECT referrer_id FROM public.referral WHERE referred_id = $1", friend)
        of_friend, of_referrer = await credited(world, friend), await credited(world, row["referrer_id"])
        assert len(of_friend) == len(of_referrer)
        return of_friend

    async def written(self, world: World, event: Event) -> list[Any]:
        friend = uuid.UUID(str(event.data["customer_id"]))
        row = await world.row("SELECT * FROM public.referral WHERE referred_id = $1", friend)
        told = await completed(world, row["referrer_id"])
        given = await rewards(world, row["id"])
        assert [reward["status"] for reward in given] == ["granted", "granted"] * len(told)
        assert (row["status"] == "completed") == bool(told)
        return told

    async def test_both_get_credit_and_the_referral_is_completed(self, world: World) -> None:
        made = await referral(world)

        async with self.listening(world) as target:
            await target.deliver(await activated(world, made.friend))

        row = await world.row("SELECT * FROM public.referral WHERE id = $1", made.id)
        assert (row["status"], row["completed_at"] is None) == ("completed", False)
        given = {reward["customer_id"]: reward for reward in await rewards(world, made.id)}
        assert set(given) == {made.referrer, made.friend}
        for customer_id, reward in given.items():
            (credit,) = await credited(world, customer_id)
            assert (credit["amount"], credit["currency_code"]) == (2500, "USD")
            assert (reward["amount"], reward["status"]) == (2500, "granted")
            assert (reward["chargebee_credit_id"], reward["granted_at"] is None) == (credit["id"], False)
        (told,) = await completed(world, made.referrer)
        assert told == {"customer_id": str(made.referrer), "referral_id": str(made.id)}

    async def test_a_later_contract_earns_nothing_more(self, world: World) -> None:
        made = await referral(world)

        async with self.listening(world) as target:
            for _ in range(2):
                assert (await target.deliver(await activated(world, made.friend))).status_code == 204

        assert len(await credited(world, made.friend)) == len(await credited(world, made.referrer)) == 1
        assert len(await completed(world, made.referrer)) == 1

    async def test_two_contracts_that_begin_at_once_at_two_agents_complete_it_once(self, world: World) -> None:
        made = await referral(world)
        events = [await activated(world, made.friend) for _ in range(2)]

        async with self.listening(world) as one, self.listening(world) as other:
            answers = await asyncio.gather(one.deliver(events[0]), other.deliver(events[1]))

        assert {answer.status_code for answer in answers} <= {204, 503}
        assert len(await credited(world, made.friend)) == len(await credited(world, made.referrer)) == 1
        assert [reward["status"] for reward in await rewards(world, made.id)] == ["granted", "granted"]
        assert len(await completed(world, made.referrer)) == 1

    @pytest.mark.parametrize("status", ["cancelled", "future"])
    async def test_a_contract_that_was_cancelled_or_never_began_completes_nothing(
        self, world: World, status: str
    ) -> None:
        made = await referral(world)
        event = await activated(world, made.friend, status=status)

        async with self.listening(world) as target:
            assert (await target.deliver(event)).status_code == 204

        await self.assert_nothing(world, made, "signed_up")

    @pytest.mark.parametrize("status", ["invited", "expired", "cancelled"])
    async def test_a_referral_that_is_over_or_was_never_followed_earns_nothing(self, world: World, status: str) -> None:
        made = await referral(world)
        await world.database.execute("UPDATE public.referral SET status = $2 WHERE id = $1", made.id, status)

        async with self.listening(world) as target:
            assert (await target.deliver(await activated(world, made.friend))).status_code == 204

        await self.assert_nothing(world, made, status)

    async def test_somebody_who_came_by_themselves_earns_nothing(self, world: World) -> None:
        event = await activated(world, await world.customer())

        async with self.listening(world) as target:
            await target.deliver(event)

        (delivery,) = await world.deliveries(event, "referral")
        assert (delivery["outcome"], delivery["error"]) == (
            "skipped",
            "nobody has recommended us to this customer",
        )

    async def test_who_is_not_in_chargebee_yet_gets_the_credit_when_they_are(self, world: World) -> None:
        made = await referral(world, friend_in_chargebee=False)

        async with self.listening(world) as target:
            await target.deliver(await activated(world, made.friend))
            waiting = {one["customer_id"]: one["status"] for one in await rewards(world, made.id)}
            await into_chargebee(world, made.friend)
            updated = await world.event("customer.updated", made.friend)
            for _ in range(2):
                await target.deliver(updated)

        assert waiting == {made.referrer: "granted", made.friend: "pending"}
        assert {one["status"] for one in await rewards(world, made.id)} == {"granted"}
        assert len(await credited(world, made.friend)) == 1

    async def test_a_record_that_chargebee_does_not_know_fails_one_reward_and_not_the_other(self, world: World) -> None:
        made = await referral(world, friend_in_chargebee=False)
        await world.database.execute(
            "UPDATE public.customer SET chargebee_customer_id = $2 WHERE id = $1", made.friend, f"gone-{unique()}"
        )

        async with self.listening(world) as target:
            assert (await target.deliver(await activated(world, made.friend))).status_code == 204

        given = {one["customer_id"]: one for one in await rewards(world, made.id)}
        assert given[made.referrer]["status"] == "granted"
        assert given[made.friend]["status"] == "failed"
        assert "resource_not_found" in given[made.friend]["status_reason"]

    async def test_a_currency_without_decimals_has_an_amount_of_its_own_and_an_unnamed_one_none(
        self, world: World
    ) -> None:
        made = await referral(world)
        await world.database.execute("UPDATE public.customer SET currency_code = 'JPY' WHERE id = $1", made.referrer)
        await world.database.execute("UPDATE public.customer SET currency_code = 'CHF' WHERE id = $1", made.friend)

        async with self.listening(world) as target:
            event = await activated(world, made.friend)
            await target.deliver(event)

        (reward,) = await rewards(world, made.id)
        assert (reward["customer_id"], reward["amount"], reward["currency_code"]) == (made.referrer, 3500, "JPY")
        (delivery,) = await world.deliveries(event, "referral")
        assert "no reward is set in CHF" in [effect.get("skipped") for effect in delivery["effects"]]

    async def test_a_referral_of_somebody_whose_data_was_deleted_is_nobodys_business_any_more(
        self, world: World
    ) -> None:
        made = await referral(world)
        await world.database.execute("UPDATE public.customer SET deleted_at = now() WHERE id = $1", made.referrer)

        async with self.listening(world) as target:
            assert (await target.deliver(await activated(world, made.friend))).status_code == 204

        await self.assert_nothing(world, made, "signed_up")

    async def assert_nothing(self, world: World, made: Referral, status: str) -> None:
        row = await world.row("SELECT status FROM public.referral WHERE id = $1", made.id)
        assert row["status"] == status
        assert await rewards(world, made.id) == []
        assert await credited(world, made.friend) == await credited(world, made.referrer) == []
        assert await completed(world, made.referrer) == []


async def referral(world: World, *, friend_in_chargebee: bool = True) -> Referral:
    """A code that a friend has entered."""
    referrer, friend = await world.customer(), await world.customer()
    await into_chargebee(world, referrer)
    if friend_in_chargebee:
        await into_chargebee(world, friend)
    referral_id = await world.insert(
        "public.referral", {"referrer_id": referrer, "referred_id": friend, "status": "signed_up"}
    )
    return Referral(id=referral_id, referrer=referrer, friend=friend)


async def into_chargebee(world: World, customer_id: uuid.UUID) -> None:
    async with ChargebeeClient(chargebee_settings(world)) as chargebee:
        await chargebee.create_customer(
            str(customer_id), email=None, first_name="Ada", last_name=None, idempotency_key=f"customer:{customer_id}"
        )
    await world.database.execute(
        "UPDATE public.customer SET chargebee_customer_id = $2 WHERE id = $1", customer_id, str(customer_id)
    )


async def activated(world: World, customer_id: uuid.UUID, *, status: str = "active") -> Event:
    """A contract of the customer's, and that it was activated."""
    contract_id = await world.contract(customer_id=customer_id, status=status)
    row = await world.row("SELECT * FROM public.contract WHERE id = $1", contract_id)
    return await world.publish(
        "contract.activated",
        contract_id,
        {
            "contract_id": str(contract_id),
            "customer_id": str(customer_id),
            "subscription_id": None,
            "treatment_id": str(row["treatment_id"]),
            "status": "active",
            "start_date": row["start_date"].isoformat(),
            "end_date": row["end_date"].isoformat(),
            "renewed_from_id": None,
        },
    )


async def rewards(world: World, referral_id: uuid.UUID) -> list[dict[str, Any]]:
    return await world.rows("SELECT * FROM public.referral_reward WHERE referral_id = $1 ORDER BY id", referral_id)


async def credited(world: World, customer_id: uuid.UUID) -> list[dict[str, Any]]:
    """What a customer was credited in Chargebee."""
    answer = await world.client.get(
        f"{world.surroundings.chargebee}/api/v2/promotional_credits",
        params={"customer_id[is]": str(customer_id)},
        auth=("key", ""),
    )
    return [entry["promotional_credit"] for entry in answer.json()["list"]]


async def completed(world: World, referrer: uuid.UUID) -> list[dict[str, Any]]:
    """What referral.completed told of a referrer."""
    rows = await world.rows(
        "SELECT data FROM events.outbox WHERE type = 'referral.completed' AND subject = $1", str(referrer)
    )
    return [json.loads(row["data"]) for row in rows]
