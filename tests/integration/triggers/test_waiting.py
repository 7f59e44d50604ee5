"""Where an event waits, and what takes its place."""

import asyncpg
import pytest

from tests.integration.triggers.records import Records
from triggers.statements import load_statement


async def waiting(connection: asyncpg.Connection) -> list[int]:
    return [row["sequence"] for row in await connection.fetch("SELECT sequence FROM events.waiting ORDER BY sequence")]


async def published(connection: asyncpg.Connection) -> list[int]:
    rows = await connection.fetch("SELECT sequence FROM events.publication ORDER BY sequence")
    return [row["sequence"] for row in rows]


async def test_every_event_waits_in_its_lane_whoever_wrote_it(records: Records) -> None:
    contract_id = await records.insert_contract()
    await records.touch(contract_id, 1)
    await records.connection.execute("SELECT events.publish('contract.created', $1, '{}')", str(contract_id))
    await records.connection.execute("SELECT events.replay(array_agg(id)) FROM events.outbox")
    written = {(event["lane"], event["sequence"]) for event in await records.outbox()}
    found = await records.connection.fetch("SELECT lane, sequence FROM events.waiting")
    assert {tuple(row) for row in found} == written
    assert len(found) == 6


async def test_a_mark_takes_the_event_out_of_the_queue_and_a_second_one_changes_nothing(records: Records) -> None:
    await records.insert_contract()
    await records.insert_contract()
    first, second = await records.outbox()
    for message_id in ("17", "18"):
        mark = load_statement("relay/mark_published")
        await records.connection.execute(mark, [first["lane"]], [first["sequence"]], [message_id])
    assert await waiting(records.connection) == [second["sequence"]]
    assert await published(records.connection) == [first["sequence"]]
    marked, unmarked = await records.outbox()
    assert (marked["message_id"], marked["attempts"]) == ("17", 1)
    assert (unmarked["published_at"], unmarked["attempts"]) == (None, 0)


async def test_what_was_published_meanwhile_is_not_given_up(records: Records) -> None:
    await records.insert_contract()
    (event,) = await records.outbox()
    await records.connection.execute(
        load_statement("relay/mark_published"), [event["lane"]], [event["sequence"]], ["17"]
    )
    await records.connection.execute(load_statement("relay/dead_letter"), event["lane"], event["sequence"], "no")
    assert await records.connection.fetchval("SELECT count(*) FROM events.dead_letter") == 0


async def test_an_event_that_is_deleted_by_hand_waits_no_more(records: Records) -> None:
    await records.insert_contract()
    await records.insert_contract()
    first, second = await records.outbox()
    await records.connection.execute(
        load_statement("relay/mark_published"), [first["lane"]], [first["sequence"]], ["17"]
    )
    await records.connection.execute("DELETE FROM events.outbox WHERE id = $1", second["id"])
    assert (await waiting(records.connection), await published(records.connection)) == ([], [first["sequence"]])
    await records.insert_contract()
    await records.connection.execute("TRUNCATE events.outbox")
    assert (await waiting(records.connection), await published(records.connection)) == ([], [])


async def test_an_insert_by_hand_that_no_relay_would_see_is_refused(records: Records) -> None:
    with pytest.raises(asyncpg.RaiseError, match=r"events\.publish and publish_event write events") as refused:
        await records.connection.execute(
            "INSERT INTO events.outbox (type, topic, ordering_key, subject, data)"
            " VALUES ('contract.updated', 'contract-events', 'k', 'k', '{}')"
        )
    assert "events.publish(type, subject, data)" in str(refused.value.hint)
    assert await records.outbox() == []


async def test_no_event_waits_of_a_change_that_is_rolled_back(records: Records) -> None:
    transaction = records.connection.transaction()
    await transaction.start()
    await records.insert_contract()
    assert len(await waiting(records.connection)) == 1
    await transaction.rollback()
    assert await waiting(records.connection) == []
