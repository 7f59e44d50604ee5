"""The relay, with real PostgreSQL and the local Pub/Sub: delivered, in order, and not held up by what is broken."""

import asyncio
import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import grpc
import pytest

from tests.integration.pubsub.server import Server
from tests.integration.triggers.pubsub import Project, Refuse, faulty_pubsub, open_project
from tests.integration.triggers.records import Records, write_events
from tests.integration.triggers.relays import (
    all_published,
    asleep,
    eventually,
    owns_all_lanes,
    running_relay,
)
from triggers.backoff import Backoff
from triggers.settings import RelaySettings

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


async def test_an_event_arrives_as_a_cloudevent_and_is_marked(
    records: Records, project: Project, database_url: str
) -> None:
    async with records.connection.transaction():
        await records.connection.execute("SELECT set_config('app.traceparent', $1, true)", TRACEPARENT)
        contract_id = await records.insert_contract()
    async with running_relay(project.settings(database_url)):
        (received,) = await project.receive_count(1)
    (event,) = await records.outbox()
    assert received.ordering_key == str(contract_id)
    assert received.attributes == {
        "ce-id": str(event["id"]),
        "ce-type": "contract.inserted",
        "ce-source": "/caregraph/development",
        "ce-subject": str(contract_id),
        "ce-time": event["created_at"].isoformat().replace("+00:00", "Z"),
        "ce-specversion": "1.0",
        "content-type": "application/json",
        "traceparent": TRACEPARENT,
    }
    assert received.data == json.loads(event["json"])
    assert event["published_at"] is not None
    assert event["message_id"]
    assert event["attempts"] == 1


async def test_everything_that_waits_when_a_relay_starts_is_delivered_in_order(
    records: Records, project: Project, database_url: str
) -> None:
    contracts = [await records.insert_contract() for _ in range(10)]
    for number in range(1, 31):
        for contract_id in contracts:
            await records.touch(contract_id, number)
    async with running_relay(project.settings(database_url, batch=50)):
        received = await project.receive_count(310)
    for contract_id in contracts:
        numbers = [each.number for each in received if each.ordering_key == str(contract_id)]
        assert numbers == list(range(31))


async def test_each_topic_gets_its_events(records: Records, project: Project, database_url: str) -> None:
    await records.connection.execute("UPDATE public.customer SET timezone = 'America/Denver'")
    await records.connection.execute("SELECT * FROM events.publish('invoice.payment_failed', 'inv_1', '{}')")
    async with running_relay(project.settings(database_url)):
        received = await project.receive_count(1, topic="customer-events")
        received = await project.receive_count(2, topic="invoice-events")
    assert [each.type for each in received] == ["customer.updated", "invoice.payment_failed"]


async def test_a_replay_arrives_under_the_id_of_its_original(
    records: Records, project: Project, database_url: str
) -> None:
    await records.insert_contract()
    (event,) = await records.outbox()
    async with running_relay(project.settings(database_url)):
        await project.receive_count(1)
        await records.connection.fetch("SELECT * FROM events.replay($1)", [event["id"]])
        received = await project.receive_count(2)
        await records.connection.fetch("SELECT * FROM events.replay($1, true)", [event["id"]])
        received = await project.receive_count(3)
    first, replayed, again = (each.id for each in received)
    assert first == replayed == str(event["id"])
    assert again != first


async def test_order_is_kept_with_two_relays_and_failures(
    records: Records, project: Project, database_url: str
) -> None:
    """Requests fail before or after Pub/Sub has taken them, and relays come and go meanwhile."""
    requests = 0

    async def fail_every_third(_: Any) -> None:
        nonlocal requests
        requests += 1
        if requests % 3 == 0:
            raise Refuse(grpc.StatusCode.UNAVAILABLE)

    contracts = [await records.insert_contract() for _ in range(12)]
    async with faulty_pubsub(project.address, fail_every_third) as faulty:
        settings = project.settings(database_url, emulator_host=faulty.address, batch=40)
        async with running_relay(settings):
            async with running_relay(settings):
                for number in range(1, 16):
                    for contract_id in contracts:
                        await records.touch(contract_id, number)
            async with running_relay(settings):
                for number in range(16, 31):
                    for contract_id in contracts:
                        await records.touch(contract_id, number)
                await all_published(records.connection)
    ids = {str(event["id"]) for event in await records.outbox()}
    await project.receive_ids(ids)
    for contract_id in contracts:
        in_commit_order = [str(e["id"]) for e in await records.outbox() if e["subject"] == str(contract_id)]
        assert project.first_occurrences(str(contract_id)) == in_commit_order


async def test_later_requests_of_a_key_wait_when_an_earlier_one_fails(
    records: Records, project: Project, database_url: str
) -> None:
    failed = False

    async def fail_first(_: Any) -> None:
        nonlocal failed
        if not failed:
            failed = True
            raise Refuse(grpc.StatusCode.UNAVAILABLE)

    # More than one request takes.
    sequences = [await records.write("contract.created", "k", json.dumps({"n": number})) for number in range(250)]
    async with (
        faulty_pubsub(project.address, fail_first) as faulty,
        running_relay(project.settings(database_url, emulator_host=faulty.address)),
    ):
        received = await project.receive_count(len(sequences))
    assert [each.data["n"] for each in received] == list(range(250))


async def test_a_key_that_fails_waits_and_the_others_go_on(
    records: Records, project: Project, database_url: str
) -> None:
    broken, other = await records.insert_contract(), await records.insert_contract()
    healed = False

    async def fail(request: Any) -> None:
        if request.messages[0].ordering_key == str(broken) and not healed:
            raise Refuse(grpc.StatusCode.INTERNAL)

    async with (
        faulty_pubsub(project.address, fail) as faulty,
        running_relay(project.settings(database_url, emulator_host=faulty.address)),
    ):
        for number in range(1, 6):
            await records.touch(broken, number)
            await records.touch(other, number)
        await project.receive_count(6)
        assert {each.ordering_key for each in project.received} == {str(other)}
        waiting = [event for event in await records.outbox() if event["subject"] == str(broken)]
        assert {event["published_at"] for event in waiting} == {None}
        await eventually(lambda: says(records, waiting[0]["id"], "INTERNAL"))
        healed = True
        await project.receive_count(12)
    assert [each.number for each in project.received if each.ordering_key == str(broken)] == list(range(6))


async def says(records: Records, event_id: object, error: str) -> bool:
    last_error = await records.connection.fetchval("SELECT last_error FROM events.history WHERE id = $1", event_id)
    return error in (last_error or "")


async def test_a_slow_key_does_not_hold_up_its_lane(records: Records, project: Project, database_url: str) -> None:
    """Two keys of one lane: requests of the first take longer than anyone wants to wait."""
    same_lane = await records.connection.fetch(
        "SELECT 'key ' || n AS key FROM generate_series(1, 1000) AS n"
        " WHERE hashtextextended('key ' || n, 0) & 63 = 7 LIMIT 2"
    )
    slow, other = (row["key"] for row in same_lane)
    answered = asyncio.Event()

    async def wait(request: Any) -> None:
        if request.messages[0].ordering_key == slow:
            await answered.wait()

    async with (
        faulty_pubsub(project.address, wait) as faulty,
        running_relay(project.settings(database_url, emulator_host=faulty.address)),
    ):
        for _ in range(3):
            await records.write("contract.created", slow)
            await records.write("contract.created", other)
        await eventually(lambda: is_open(faulty))
        await records.write("contract.created", slow)
        await records.write("contract.created", other)
        await project.receive_count(4)
        assert {each.ordering_key for each in project.received} == {other}
        assert faulty.requests[slow] == 1, "its later events wait behind the one that is under way"
        answered.set()
        await project.receive_count(8)


async def is_open(faulty: Any) -> bool:
    return bool(faulty.open)


async def test_a_refused_event_becomes_a_dead_letter_and_its_key_goes_on(
    records: Records, project: Project, database_url: str
) -> None:
    """An attribute over 1,024 bytes is refused by Pub/Sub for good."""
    contract_id = await records.insert_contract()
    (sequence,) = await write_events(records.connection, "contract.created", str(contract_id), source="x" * 2000)
    await records.touch(contract_id, 1)
    async with running_relay(project.settings(database_url, max_refusals=2)):
        await project.receive_count(2)
    assert [each.number for each in project.received] == [0, 1]
    letter = await records.connection.fetchrow("SELECT *, event::text AS json FROM events.dead_letter")
    assert letter is not None
    given_up = next(event for event in await records.outbox() if event["sequence"] == sequence)
    assert (letter["event_id"], letter["agent"], letter["attempts"]) == (given_up["id"], "relay", 2)
    assert "INVALID_ARGUMENT" in letter["reason"]
    assert json.loads(letter["json"])["type"] == "contract.created"
    assert given_up["published_at"] is None
    assert given_up["dead_lettered_at"] is not None


async def test_an_event_over_ten_megabytes_is_given_up_without_asking(
    records: Records, project: Project, database_url: str
) -> None:
    large = await records.write("contract.created", "k", json.dumps({"text": "x" * 10_000_000}))
    just_fits = await records.write("contract.created", "k", json.dumps({"text": "x" * 9_900_000}))
    await records.write("contract.created", "k")
    async with running_relay(project.settings(database_url)):
        await project.receive_count(2)
    events = {event["sequence"]: event for event in await records.outbox()}
    assert "10,000," in events[large]["last_error"]
    assert events[just_fits]["published_at"] is not None
    letter = await records.connection.fetchrow("SELECT *, event::text AS json FROM events.dead_letter")
    assert letter is not None
    assert letter["event_id"] == events[large]["id"]
    assert json.loads(letter["json"])["data"] is None, "what cannot be replayed isn't copied"


async def test_when_everything_is_refused_nothing_is_given_up(
    records: Records, project: Project, database_url: str
) -> None:
    """A wrong project, say: it isn't for the events that they are refused."""
    wrong = True

    async def refuse(_: Any) -> None:
        if wrong:
            raise Refuse(grpc.StatusCode.INVALID_ARGUMENT)

    for _ in range(30):
        await records.insert_contract()
    async with (
        faulty_pubsub(project.address, refuse) as faulty,
        running_relay(project.settings(database_url, emulator_host=faulty.address, max_refusals=2)),
    ):
        await eventually(lambda: enough_requests(faulty, 31))
        assert await records.connection.fetchval("SELECT count(*) FROM events.dead_letter") == 0
        wrong = False
        await project.receive_count(30)
    assert await records.connection.fetchval("SELECT count(*) FROM events.dead_letter") == 0


async def test_many_keys_that_wait_for_a_dead_pubsub_go_on_when_it_is_back(
    records: Records, project: Project, database_url: str
) -> None:
    down = True

    async def refuse(_: Any) -> None:
        if down:
            raise Refuse(grpc.StatusCode.UNAVAILABLE)

    # More than are ever held back at once.
    await write_events(records.connection, "x", *(f"key-{number}" for number in range(1500)))
    async with (
        faulty_pubsub(project.address, refuse) as faulty,
        running_relay(project.settings(database_url, emulator_host=faulty.address)),
    ):
        # Once some have failed, the others aren't tried for nothing.
        with pytest.raises(TimeoutError):
            await eventually(lambda: enough_requests(faulty, 200), within_s=2)
        down = False
        await all_published(records.connection)


async def test_an_outage_ends_although_postgresql_ended_its_sessions_while_pubsub_was_asked(
    records: Records, project: Project, database_url: str
) -> None:
    down, asked = True, asyncio.Event()

    async def refuse_or_hang(_: Any) -> None:
        if down and faulty.requests.total() > 30:
            # All that were waiting have failed: these are asked whether it is back.
            asked.set()
            await asyncio.Event().wait()
        if down:
            raise Refuse(grpc.StatusCode.UNAVAILABLE)

    for _ in range(30):
        await records.insert_contract()
    async with (
        faulty_pubsub(project.address, refuse_or_hang) as faulty,
        running_relay(project.settings(database_url, emulator_host=faulty.address)),
    ):
        await asyncio.wait_for(asked.wait(), 20)
        down = False
        await records.connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'caregraph-relay' AND datname = current_database()"
        )
        await all_published(records.connection)


async def test_many_poisoned_keys_do_not_hold_up_those_behind_them(
    records: Records, project: Project, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing else is there that could go through when they come: it looks as if Pub/Sub took nothing at all."""
    poisoned = {f"poisoned-{number}" for number in range(100)}

    async def refuse(request: Any) -> None:
        if request.messages[0].ordering_key in poisoned:
            raise Refuse(grpc.StatusCode.INVALID_ARGUMENT)

    for key in sorted(poisoned):
        await records.write("x", key)
    quick = Backoff(first=timedelta(milliseconds=20), longest=timedelta(milliseconds=200))
    monkeypatch.setattr(RelaySettings, "key_backoff", quick)
    monkeypatch.setattr(RelaySettings, "topic_backoff", quick)
    async with (
        faulty_pubsub(project.address, refuse) as faulty,
        running_relay(project.settings(database_url, emulator_host=faulty.address, max_refusals=2)),
    ):
        await eventually(lambda: enough_requests(faulty, 50))
        assert await records.connection.fetchval("SELECT count(*) FROM events.dead_letter") == 0
        for _ in range(20):
            await records.insert_contract()
        # What goes through also tells that the others are refused for what they are.
        await all_published(records.connection)
        assert await records.connection.fetchval("SELECT count(*) FROM events.dead_letter") == len(poisoned)


async def enough_requests(faulty: Any, count: int) -> bool:
    return bool(faulty.requests.total() >= count)


async def test_a_pubsub_that_never_answers_is_asked_only_so_much(
    records: Records, project: Project, database_url: str
) -> None:
    """Neither requests nor events in memory grow; when it answers again, everything goes on."""
    answers = asyncio.Event()

    async def hang(_: Any) -> None:
        await answers.wait()

    for _ in range(300):
        await records.insert_contract()
    async with faulty_pubsub(project.address, hang) as faulty:
        settings = project.settings(
            database_url,
            emulator_host=faulty.address,
            batch=50,
            in_flight=100,
            requests=20,
            publish_timeout=timedelta(seconds=1),
        )
        async with running_relay(settings):
            await eventually(lambda: enough_requests(faulty, 20))
            await asyncio.sleep(0.5)
            assert faulty.most_open == 20
            answers.set()
            await project.receive_ids({str(event["id"]) for event in await records.outbox()})
            await all_published(records.connection)


async def test_a_dead_pubsub_fills_the_outbox_and_nothing_is_lost(
    records: Records, database_url: str, tmp_path: Path
) -> None:
    server = Server(home=tmp_path / "pubsub")
    server.start()
    try:
        async with open_project(server.address, "dead-and-back") as project:
            async with running_relay(project.settings(database_url, publish_timeout=timedelta(seconds=1))):
                first = await records.insert_contract()
                await project.receive_count(1)
                server.kill()
                for number in range(1, 21):
                    await records.touch(first, number)
                    await records.insert_contract()
                assert len([event for event in await records.outbox() if event["published_at"] is None]) == 40
                await asyncio.to_thread(server.start)
                await all_published(records.connection)
            await project.receive_ids({str(event["id"]) for event in await records.outbox()})
        assert project.first_occurrences(str(first)) == [
            str(event["id"]) for event in await records.outbox() if event["subject"] == str(first)
        ]
    finally:
        server.stop()


async def test_a_relay_comes_back_whenever_postgresql_ends_its_sessions(
    records: Records, project: Project, database_url: str
) -> None:
    contract_id = await records.insert_contract()
    async with running_relay(project.settings(database_url, batch=5)):
        await project.receive_count(1)
        for number in range(1, 101):
            await records.touch(contract_id, number)
            if number % 25 == 0:
                await records.connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE application_name = 'caregraph-relay' AND datname = current_database()"
                )
        in_commit_order = [str(event["id"]) for event in await records.outbox()]
        await project.receive_ids(set(in_commit_order))
        await all_published(records.connection)
    assert project.first_occurrences(str(contract_id)) == in_commit_order


async def test_relays_share_the_lanes_and_take_over_from_one_that_leaves(
    records: Records, project: Project, database_url: str
) -> None:
    settings = project.settings(database_url)
    async with running_relay(settings):
        await owns_all_lanes(records.connection, 64)
        async with running_relay(settings):
            await owns_all_lanes(records.connection, 32, 32)
            for _ in range(50):
                await records.insert_contract()
            await project.receive_count(50)
        await owns_all_lanes(records.connection, 64)
    assert await records.connection.fetchval("SELECT count(*) FROM events.relay") == 0
    assert len({each.id for each in project.received}) == len(project.received) == 50


async def test_a_stopping_relay_finishes_what_is_under_way(
    records: Records, project: Project, database_url: str
) -> None:
    taken = asyncio.Event()
    answered = asyncio.Event()

    async def answer_late(_: Any) -> None:
        taken.set()
        await answered.wait()

    async with faulty_pubsub(project.address, answer_late) as faulty:
        async with running_relay(project.settings(database_url, emulator_host=faulty.address)):
            await records.insert_contract()
            await asyncio.wait_for(taken.wait(), 5)
            asyncio.get_running_loop().call_later(0.3, answered.set)
        (event,) = await records.outbox()
        assert event["published_at"] is not None


async def test_a_late_commit_with_a_low_sequence_number_is_not_skipped(
    records: Records, project: Project, database_url: str
) -> None:
    late = await asyncpg.connect(database_url)
    try:
        transaction = late.transaction()
        await transaction.start()
        first = await records.insert_contract(late)
        async with running_relay(project.settings(database_url)):
            await records.insert_contract()
            await project.receive_count(1)
            await transaction.commit()
            await project.receive_count(2)
        assert project.received[1].ordering_key == str(first)
    finally:
        await late.close()


@pytest.mark.parametrize("slow_poll_s", [0.2])
async def test_an_event_without_a_notification_is_found_by_the_poll(
    records: Records, project: Project, database_url: str, slow_poll_s: float
) -> None:
    async with running_relay(project.settings(database_url, slow_poll=timedelta(seconds=slow_poll_s))):
        await asleep(records.connection)
        await records.connection.execute(
            "CREATE OR REPLACE FUNCTION events.announce_events() RETURNS integer LANGUAGE sql AS 'SELECT 0'"
        )
        await records.insert_contract()
        await project.receive_count(1)


_PUBLISH = """
    SELECT events.publish('contract.created', id::text, '{}'::jsonb) FROM public.contract
"""
_CHANGE = "UPDATE public.contract SET status = 'active'"


@pytest.mark.parametrize(
    ("statement", "isolation"),
    [
        (_CHANGE, "read_committed"),
        (_CHANGE, "repeatable_read"),
        (_CHANGE, "serializable"),
        (_PUBLISH, "read_committed"),
    ],
)
async def test_whatever_writes_an_event_wakes_a_sleeping_relay(
    records: Records, project: Project, database_url: str, statement: str, isolation: Any
) -> None:
    await records.insert_contract()
    settings = project.settings(database_url, slow_poll=timedelta(seconds=60), tick=timedelta(seconds=60))
    async with running_relay(settings):
        await project.receive_count(1)
        await asleep(records.connection)
        async with records.connection.transaction(isolation=isolation):
            await records.connection.execute(statement)
        await project.receive_count(2)


async def test_a_sleeping_relay_is_woken_by_the_commit(records: Records, project: Project, database_url: str) -> None:
    settings = project.settings(database_url, slow_poll=timedelta(seconds=60), tick=timedelta(seconds=60))
    async with running_relay(settings):
        await asleep(records.connection)
        delays: list[timedelta] = []
        for _ in range(10):
            await records.insert_contract()
        await project.receive_count(10)
        await all_published(records.connection)
        for event in await records.outbox():
            published_at: datetime = event["published_at"]
            delays.append(published_at - event["created_at"])
    # Ten polls apart by a minute would take ten minutes; the bound is generous for a busy machine.
    assert max(delays) < timedelta(seconds=5)
