"""Bad input in the outbox: each kind has its outcome, and a log line with the event's id (listed in docs/events.md)."""

import json

import asyncpg
import pytest
from structlog.testing import capture_logs

from tests.integration.triggers.pubsub import Project
from tests.integration.triggers.records import Records
from tests.integration.triggers.relays import all_published, running_relay
from triggers.history import get_event, get_story
from triggers.replay import Selection, measure, replay


async def test_events_of_a_table_since_dropped_are_delivered_told_and_replayed(
    records: Records, project: Project, database_url: str
) -> None:
    contract_id = await records.insert_contract()
    (event,) = await records.outbox()
    await records.connection.execute("DROP TABLE public.contract CASCADE")
    async with running_relay(project.settings(database_url)):
        await project.receive_count(1)
        await all_published(records.connection)
        assert (await get_event(records.connection, event["id"])).type == "contract.inserted"
        assert len((await get_story(records.connection, str(contract_id))).events) == 1
        selection = Selection(key=str(contract_id))
        extent = await measure(records.connection, selection)
        async for _ in replay(records.connection, selection, newest=extent.newest, again=False, rate=100):
            pass
        await project.receive_count(2)
    assert [received.id for received in project.received] == [str(event["id"])] * 2
    # Events about what is gone can't be published any more, and that stops no others.
    with pytest.raises(asyncpg.UndefinedTableError):
        await records.connection.execute("SELECT FROM events.publish('contract.created', $1, '{}')", str(contract_id))
    await records.connection.execute("SELECT FROM events.publish('invoice.payment_failed', 'inv_1', '{}')")


async def test_an_event_that_is_too_large_is_named_in_the_log(
    records: Records, project: Project, database_url: str
) -> None:
    await records.write("contract.created", "k", json.dumps({"text": "x" * 10_000_000}))
    (event,) = await records.outbox()
    with capture_logs() as lines:
        async with running_relay(project.settings(database_url)):
            await all_published(records.connection)
    (line,) = [line for line in lines if line["event"] == "relay.dead_letter"]
    assert (line["event_id"], line["event_type"]) == (str(event["id"]), "contract.created")


async def test_a_type_that_nobody_declared_is_published_as_it_is(
    records: Records, project: Project, database_url: str
) -> None:
    """From an older version, say: whoever receives it decides."""
    await records.write("contract.unheard_of", "k")
    async with running_relay(project.settings(database_url)):
        (received,) = await project.receive_count(1)
    assert received.type == "contract.unheard_of"


@pytest.mark.parametrize("skew", ["1 day", "-1 day"])
async def test_an_event_of_a_clock_that_goes_wrong_leaves_like_any_other(
    records: Records, project: Project, database_url: str, skew: str
) -> None:
    await records.insert_contract()
    await records.connection.execute("UPDATE events.outbox SET created_at = now() + $1::text::interval", skew)
    async with running_relay(project.settings(database_url)):
        await project.receive_count(1)
        await all_published(records.connection)
