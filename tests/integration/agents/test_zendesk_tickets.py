"""Tickets and comments of ours in Zendesk, and back, without an echo."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from agents.zendesk.app import create_app
from agents.zendesk.settings import Settings
from integrations.zendesk.settings import ZendeskSettings
from local.standin.run import running
from tests.integration.agents.behaviour import QUICK
from tests.integration.agents.deliveries import Event, Target, World
from tests.integration.agents.serving import serving
from tests.integration.agents.test_event_routing_agent import another_zendesk, routing_of

#: As the endpoint sets it for a mutation.
CCT = {"x-hasura-role": "cct", "x-hasura-user-id": str(uuid.UUID(int=1))}
ROUTING = {"x-hasura-role": "service", "x-hasura-user-id": "event_routing"}


@asynccontextmanager
async def zendesk_agent(world: World, zendesk: str) -> AsyncIterator[Target]:
    settings = ZendeskSettings(base_url=zendesk, email="agent@example.com", api_token=SecretStr("token"), **QUICK)
    async with serving(
        lambda url: create_app(Settings(runtime=world.surroundings.runtime_settings("zendesk", url), zendesk=settings))
    ) as url:
        yield Target(url=url, client=world.client, token=await world.surroundings.push_token(url))


@pytest.fixture
async def target(world: World) -> AsyncIterator[Target]:
    async with zendesk_agent(world, world.surroundings.zendesk) as listening:
        yield listening


async def write(world: World, session: dict[str, str] | None, statement: str, *values: Any) -> None:
    """A change as the endpoint makes it for somebody."""
    async with world.database.transaction():
        if session is not None:
            await world.database.execute("SELECT set_config('app.session', $1, true)", json.dumps(session))
        await world.database.execute(statement, *values)


async def opened(world: World, **columns: Any) -> tuple[uuid.UUID, Event]:
    """A ticket that the care team has opened here, and its event."""
    customer = await world.customer()
    ticket_id: uuid.UUID = await world.insert(
        "public.support_ticket",
        {
            "customer_id": customer,
            "subject": "Call back",
            "description": "Asked for it",
            "priority": "high",
            "category": "account",
            **columns,
        },
    )
    return ticket_id, await world.event("ticket.inserted", customer)


async def in_zendesk(world: World, ticket_id: uuid.UUID, zendesk: str | None = None) -> dict[str, Any]:
    """The ticket as Zendesk has it, with its comments."""
    row = await world.row("SELECT zendesk_ticket_id FROM support_ticket WHERE id = $1", ticket_id)
    url = f"{zendesk or world.surroundings.zendesk}/api/v2/tickets/{row['zendesk_ticket_id']}"
    auth = ("agent@example.com/token", "token")
    ticket: dict[str, Any] = (await world.client.get(f"{url}.json", auth=auth)).json()["ticket"]
    comments = (await world.client.get(f"{url}/comments.json", auth=auth)).json()["comments"]
    return {**ticket, "comments": [(one["body"], one["public"]) for one in comments]}


async def deliver(target: Target, event: Event) -> int:
    return (await target.deliver(event)).status_code


async def test_a_ticket_of_ours_is_opened_in_zendesk_once_for_its_requester(world: World, target: Target) -> None:
    ticket_id, event = await opened(world)

    statuses = await asyncio.gather(*(deliver(target, event) for _ in range(3)))

    assert set(statuses) == {204}
    ticket = await in_zendesk(world, ticket_id)
    assert (ticket["subject"], ticket["priority"], ticket["tags"]) == ("Call back", "high", ["account"])
    assert ticket["comments"] == [("Asked for it", False)]
    customer = await world.row("SELECT zendesk_user_id FROM customer WHERE id::text = $1", event.subject)
    assert ticket["requester_id"] == customer["zendesk_user_id"]


async def test_a_ticket_that_is_there_already_is_not_opened_again(world: World, target: Target) -> None:
    _ticket_id, event = await opened(world, zendesk_ticket_id=uuid.uuid4().int % 10**12)
    calls = len(await world.received("zendesk"))

    assert await deliver(target, event) == 204

    assert len(await world.received("zendesk")) == calls


async def test_what_the_care_team_changes_and_says_reaches_zendesk(world: World, target: Target) -> None:
    ticket_id, event = await opened(world)
    await deliver(target, event)
    await write(
        world, CCT, "UPDATE support_ticket SET status = 'pending', priority = 'urgent' WHERE id = $1", ticket_id
    )
    changed = await world.event("ticket.updated", event.subject)
    await write(
        world,
        CCT,
        "INSERT INTO support_ticket_comment (ticket_id, author, body, public) VALUES ($1, 'cct', 'Called', true)",
        ticket_id,
    )
    commented = await world.event("ticket.commented", event.subject)

    for one in (changed, commented, commented):
        assert await deliver(target, one) == 204

    ticket = await in_zendesk(world, ticket_id)
    assert (ticket["status"], ticket["priority"], ticket["subject"]) == ("pending", "urgent", "Call back")
    assert ticket["comments"] == [("Asked for it", False), ("Called", True)]
    row = await world.row("SELECT zendesk_comment_id FROM support_ticket_comment WHERE ticket_id = $1", ticket_id)
    assert row["zendesk_comment_id"]


async def test_a_comment_whose_answer_was_lost_is_added_once(world: World, target: Target) -> None:
    ticket_id, event = await opened(world)
    await deliver(target, event)
    await write(
        world,
        CCT,
        "INSERT INTO support_ticket_comment (ticket_id, author, body) VALUES ($1, 'cct', 'Called')",
        ticket_id,
    )
    commented = await world.event("ticket.commented", event.subject)
    await world.misbehave("zendesk", drop=True, after_work=True, times=2, path="/tickets/", method="PUT")

    await deliver(target, commented)
    await world.behave("zendesk")
    async with asyncio.timeout(10):
        # As Pub/Sub does it; there is nothing here to be told by.
        while await deliver(target, commented) != 204:  # noqa: ASYNC110
            await asyncio.sleep(0.05)

    assert (await in_zendesk(world, ticket_id))["comments"] == [("Asked for it", False), ("Called", False)]


async def test_a_comment_on_a_ticket_that_is_not_there_yet_opens_it_once(world: World, target: Target) -> None:
    ticket_id, event = await opened(world)
    await write(
        world,
        CCT,
        "INSERT INTO support_ticket_comment (ticket_id, author, body) VALUES ($1, 'cct', 'Called')",
        ticket_id,
    )
    commented = await world.event("ticket.commented", event.subject)

    ends = [await deliver(target, one) for one in (commented, event, commented)]

    assert ends == [204, 204, 204]
    ticket = await in_zendesk(world, ticket_id)
    assert ticket["comments"] == [("Asked for it", False), ("Called", False)]
    opened_there = await world.received("zendesk", method="POST", path="/api/v2/tickets")
    assert [one["body"]["ticket"]["external_id"] for one in opened_there].count(f"support_ticket:{ticket_id}") == 1


async def test_what_comes_from_zendesk_is_not_sent_back(world: World, target: Target) -> None:
    ticket_id, event = await opened(world)
    await deliver(target, event)
    await write(world, ROUTING, "UPDATE support_ticket SET status = 'solved' WHERE id = $1", ticket_id)
    changed = await world.event("ticket.updated", event.subject)
    await write(
        world,
        ROUTING,
        """
        INSERT INTO support_ticket_comment (ticket_id, author, body, zendesk_comment_id)
        VALUES ($1, 'customer', 'Thanks', $2)
        """,
        ticket_id,
        uuid.uuid4().int % 10**12,
    )
    commented = await world.event("ticket.commented", event.subject)
    calls = len(await world.received("zendesk"))

    for one in (changed, commented):
        assert await deliver(target, one) == 204

    assert len(await world.received("zendesk")) == calls
    outcomes = [(await world.deliveries(one, "zendesk"))[0]["outcome"] for one in (changed, commented)]
    assert outcomes == ["skipped", "skipped"]


async def test_both_ways_together_come_to_rest(world: World, tmp_path: Path) -> None:
    async with (
        running(another_zendesk, tmp_path) as zendesk,
        zendesk_agent(world, zendesk.url) as target,
        routing_of(world) as routing,
    ):
        await world.client.post(f"{zendesk.url}/_control/webhooks", json={"url": f"{routing.url}/webhooks/zendesk"})
        ticket_id, event = await opened(world)
        await write(
            world,
            CCT,
            "INSERT INTO support_ticket_comment (ticket_id, author, body, public) VALUES ($1, 'cct', 'Hello', true)",
            ticket_id,
        )
        seen: set[uuid.UUID] = set()
        await rest(world, target, zendesk.url, event.subject, seen)
        row = await world.row("SELECT zendesk_ticket_id FROM support_ticket WHERE id = $1", ticket_id)
        for change in ({"comment": "Hi", "as": "requester"}, {"status": "solved", "comment": "Bye"}):
            answer = await world.client.post(
                f"{zendesk.url}/_control/tickets", json={"id": row["zendesk_ticket_id"], **change}
            )
            assert answer.status_code == 200, answer.text
            await rest(world, target, zendesk.url, event.subject, seen)
        await write(world, CCT, "UPDATE support_ticket SET status = 'open' WHERE id = $1", ticket_id)
        await rest(world, target, zendesk.url, event.subject, seen)
        ticket = await in_zendesk(world, ticket_id, zendesk.url)

    ours = await world.row("SELECT status, solved_at FROM support_ticket WHERE id = $1", ticket_id)
    comments = await world.rows(
        "SELECT author, body FROM support_ticket_comment WHERE ticket_id = $1 ORDER BY created_at", ticket_id
    )
    assert ticket["status"] == ours["status"] == "open"
    assert ours["solved_at"] is None
    assert [body for body, _ in ticket["comments"]] == ["Asked for it", "Hello", "Hi", "Bye"]
    assert comments == [
        {"author": "cct", "body": "Hello"},
        {"author": "customer", "body": "Hi"},
        {"author": "cct", "body": "Bye"},
    ]


async def rest(world: World, target: Target, zendesk: str, customer: str, seen: set[uuid.UUID]) -> None:
    """Deliver events while Zendesk's webhooks go out, until there are no new ones; at most ten rounds."""
    for _ in range(10):
        async with asyncio.timeout(20):
            # Zendesk says when all of its webhooks were taken.
            while set(await webhooks_of(world, zendesk)) - {"sent"}:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        rows = await world.rows(
            "SELECT id, type, subject, data, created_at FROM events.outbox WHERE subject = $1 ORDER BY sequence",
            customer,
        )
        new = [row for row in rows if row["id"] not in seen]
        if not new:
            return
        for row in new:
            seen.add(row["id"])
            event = Event(**{**row, "data": json.loads(row["data"])})
            assert await deliver(target, event) == 204
    raise AssertionError("it goes round in circles")


async def webhooks_of(world: World, zendesk: str) -> dict[str, int]:
    """How many webhooks are pending, sent, given up."""
    counts: dict[str, int] = (await world.client.get(f"{zendesk}/_control")).json()["webhooks"]["counts"]
    return counts
