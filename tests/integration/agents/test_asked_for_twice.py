"""A contract that was asked for twice at once: what the agents that charge for it and tell of it make of the two."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from starlette.applications import Starlette

from agents.chargebee.app import create_app as create_chargebee
from agents.contract.app import create_app as create_contract
from agents.contract.settings import Settings as ContractSettings
from tests.integration.agents.deliveries import Target, World, all_of
from tests.integration.agents.serving import serving
from tests.integration.agents.test_chargebee_agent import contract, control, settings, told
from tests.integration.agents.test_contract_agent import ITEM_PRICE, chargebee_settings, tasks
from tests.integration.agents.test_first_payment import START

Contracts = Sequence[uuid.UUID]


@dataclass(frozen=True, kw_only=True)
class Clicks:
    """A customer who has clicked, and the two agents, each as two programs."""

    world: World
    customer_id: uuid.UUID
    treatment_id: uuid.UUID
    chargebee: Sequence[Target]
    contract: Sequence[Target]

    async def click(self, **columns: Any) -> uuid.UUID:
        """A contract; its earlier ones aren't known to it."""
        return await self.world.contract(**self.columns | columns)

    @property
    def columns(self) -> dict[str, Any]:
        return {"customer_id": self.customer_id, "treatment_id": self.treatment_id, "start_date": START.date()}

    async def deliver(self, targets: Sequence[Target], contracts: Contracts) -> list[int]:
        """The first event of each contract to each target, all at once."""
        events = [await self.world.event("contract.inserted", one) for one in contracts]
        return await all_of(*(target.deliver(event) for event in events for target in targets))

    async def statuses(self, contracts: Contracts) -> list[str]:
        found = await self.world.rows("SELECT id, status FROM contract WHERE id = ANY ($1)", contracts)
        by_id = {row["id"]: row["status"] for row in found}
        return [by_id[one] for one in contracts]

    async def charged(self, contracts: Contracts) -> list[uuid.UUID]:
        """Those with a subscription in Chargebee; each was made once."""
        made = {one: len(await told(self.world, "subscription_created", one)) for one in contracts}
        assert set(made.values()) <= {0, 1}
        return [one for one, number in made.items() if number]

    async def asked(self) -> int:
        """How often Chargebee was asked for a subscription."""
        path = f"/api/v2/customers/{self.customer_id}/subscription_for_items"
        return sum(one["path"] == path for one in await self.world.received("chargebee"))

    async def announced(self, contracts: Contracts) -> list[uuid.UUID]:
        """Those that were told of and whose renewal is planned; no cancellation was told of."""
        rows = await self.world.rows(
            "SELECT subject, type FROM events.outbox WHERE subject = ANY ($1) AND type = ANY ($2)",
            [str(one) for one in contracts],
            ["contract.created", "contract.cancelled"],
        )
        assert {row["type"] for row in rows} <= {"contract.created"}
        created = [one for one in contracts for row in rows if row["subject"] == str(one)]
        assert created == [one for one in contracts if await tasks(self.world, one)]
        return created


@pytest.fixture
async def clicks(world: World) -> AsyncIterator[Clicks]:
    def chargebee(url: str) -> Starlette:
        runtime = world.surroundings.runtime_settings("chargebee", url)
        return create_chargebee(settings(world, runtime), clock=lambda: START)

    def contracts(url: str) -> Starlette:
        runtime = world.surroundings.runtime_settings("contract", url)
        return create_contract(
            ContractSettings(runtime=runtime, chargebee=chargebee_settings(world)), clock=lambda: START
        )

    @asynccontextmanager
    async def target(build: Any) -> AsyncIterator[Target]:
        async with serving(build) as url:
            yield Target(url=url, client=world.client, token=await world.surroundings.push_token(url))

    # Chargebee is to have its price.
    await contract(world)
    async with AsyncExitStack() as stack:
        yield Clicks(
            world=world,
            customer_id=await world.customer(),
            treatment_id=await world.treatment(monthly_item_price_id=ITEM_PRICE),
            chargebee=[await stack.enter_async_context(target(chargebee)) for _ in range(2)],
            contract=[await stack.enter_async_context(target(contracts)) for _ in range(2)],
        )


async def test_handled_at_the_same_time_by_all_programs_one_is_charged_and_told_of(clicks: Clicks) -> None:
    both = [await clicks.click(), await clicks.click()]
    codes = await clicks.deliver([*clicks.contract, *clicks.chargebee], both)

    assert set(codes) == {204}
    first, _ = both
    assert await clicks.charged(both) == await clicks.announced(both) == [first]
    assert (await clicks.statuses(both))[1] == "cancelled"
    # What its end tells everybody asks nobody for anything.
    for one in both:
        updated = await clicks.world.event("contract.updated", one)
        await all_of(*(target.deliver(updated) for target in (*clicks.contract, *clicks.chargebee)))
    assert await clicks.charged(both) == await clicks.announced(both) == [first]
    assert await clicks.statuses(both) == ["active", "cancelled"]


async def test_an_earlier_one_that_becomes_visible_while_the_other_is_charged_is_the_double(clicks: Clicks) -> None:
    world = clicks.world
    slow = await asyncpg.connect(world.surroundings.database_url)
    transaction = slow.transaction()
    await transaction.start()
    earlier = await slow.fetchval(
        "INSERT INTO contract (customer_id, treatment_id, start_date) VALUES ($1, $2, $3) RETURNING id",
        *clicks.columns.values(),
    )
    later = await clicks.click()
    await world.misbehave("chargebee", delay_s=0.5, times=1, method="POST", path="subscription_for_items")
    charging = asyncio.create_task(clicks.deliver(clicks.chargebee[:1], [later]))
    await world.received("chargebee", method="POST", at_least=2, wait_s=10)
    await transaction.commit()
    await slow.close()
    assert not charging.done()
    codes = await clicks.deliver([*clicks.contract[:1], *clicks.chargebee[1:]], [earlier])

    assert {*codes, *await charging} == {204}
    await clicks.deliver(clicks.contract, [later])
    assert await clicks.charged([earlier, later]) == await clicks.announced([earlier, later]) == [later]
    assert (await clicks.statuses([earlier]))[0] == "cancelled"


@pytest.mark.parametrize("later_first", [False, True])
async def test_after_an_outage_of_the_one_agent_both_agree_all_the_same(clicks: Clicks, later_first: bool) -> None:
    both = [await clicks.click(), await clicks.click()]
    ordered = both[::-1] if later_first else both
    for one in ordered:
        await clicks.deliver(clicks.contract[:1], [one])
    assert await clicks.announced(both) == both[:1]
    # Much later: the customer has thought better of it meanwhile, which doesn't bring the other one back.
    await clicks.world.database.execute("UPDATE contract SET status = 'cancelled' WHERE id = $1", both[0])
    for one in ordered:
        await clicks.deliver(clicks.chargebee[:1], [one])

    assert await clicks.charged(both) == []
    assert await clicks.statuses(both) == ["cancelled", "cancelled"]


async def test_while_the_first_payment_of_the_one_is_recovered_the_other_is_not_charged_in_its_place(
    clicks: Clicks,
) -> None:
    customer = {"customer_id": str(clicks.customer_id)}
    await control(clicks.world, "cards", customer | {"decline": "stolen_card"})
    both = [await clicks.click(), await clicks.click()]
    await clicks.deliver(clicks.chargebee[:1], both[:1])
    asked = await clicks.asked()
    await control(clicks.world, "cards", customer | {"replace": True})
    await clicks.deliver(clicks.chargebee, both[1:])

    assert await clicks.asked() == asked
    assert await clicks.statuses(both) == ["future", "cancelled"]
    recoveries = await clicks.world.rows("SELECT contract_id FROM payment_recovery WHERE contract_id = ANY ($1)", both)
    assert [row["contract_id"] for row in recoveries] == both[:1]


async def test_when_the_earlier_one_was_cancelled_at_once_the_later_one_is_wanted(clicks: Clicks) -> None:
    both = [await clicks.click(), await clicks.click()]
    await clicks.deliver([*clicks.chargebee, *clicks.contract], both[:1])
    await clicks.world.database.execute("UPDATE contract SET status = 'cancelled' WHERE id = $1", both[0])
    await clicks.deliver([*clicks.chargebee, *clicks.contract], both[1:])

    assert await clicks.charged(both) == await clicks.announced(both) == both
    assert (await clicks.statuses(both))[0] == "cancelled"
    assert (await clicks.statuses(both))[1] != "cancelled"


async def test_whoever_begins_again_later_or_for_another_day_has_a_contract_more(clicks: Clicks) -> None:
    now = await clicks.world.database.fetchval("SELECT now()")
    contracts = [
        await clicks.click(),
        await clicks.click(created_at=now + timedelta(minutes=2)),
        await clicks.click(start_date=START.date() + timedelta(days=1)),
    ]
    await clicks.deliver([*clicks.chargebee, *clicks.contract], contracts)
    assert await clicks.charged(contracts) == await clicks.announced(contracts) == contracts
