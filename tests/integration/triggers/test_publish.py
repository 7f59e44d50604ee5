"""Domain events: what may be published, once, and in which order."""

import asyncio
import json
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import pytest

from tests.integration.triggers.records import Records
from tests.integration.triggers.relays import eventually
from triggers.ddl import MAX_DATA_BYTES
from triggers.declared import WRITTEN_BY_TRIGGERS
from triggers.event_types import EVENT_TYPES

Connect = Callable[[], Awaitable[asyncpg.Connection]]

PUBLISH = "SELECT * FROM events.publish($1, $2, $3, $4)"


async def publish(
    connection: asyncpg.Connection, name: str, subject: object, data: str = "{}", event_id: uuid.UUID | None = None
) -> Any:
    return await connection.fetchrow(PUBLISH, name, str(subject), data, event_id)


async def test_topic_and_key_come_from_the_declared_type(records: Records) -> None:
    contract_id = await records.insert_contract()
    answer = await publish(records.connection, "contract.created", contract_id, '{"term_months": 6}')
    event = (await records.outbox())[-1]
    assert (answer["id"], answer["type"], answer["topic"], answer["sequence"], answer["created"]) == (
        event["id"],
        "contract.created",
        "contract-events",
        event["sequence"],
        True,
    )
    assert event["ordering_key"] == event["subject"] == str(contract_id)
    assert json.loads(event["json"]) == {"term_months": 6}


async def test_every_domain_event_can_be_published(connection: asyncpg.Connection) -> None:
    for name in sorted(set(EVENT_TYPES) - WRITTEN_BY_TRIGGERS):
        answer = await publish(connection, name, uuid.uuid4())
        assert answer["topic"] == EVENT_TYPES[name].topic.name


async def test_the_same_id_twice_is_one_event(records: Records) -> None:
    event_id = uuid.uuid4()
    first = await publish(records.connection, "contract.created", records.customer_id, event_id=event_id)
    second = await publish(records.connection, "contract.created", records.customer_id, event_id=event_id)
    assert (first["created"], second["created"]) == (True, False)
    assert dict(first) | {"created": None} == dict(second) | {"created": None}
    assert len(await records.outbox()) == 1


async def test_the_same_id_at_the_same_time_is_one_event(records: Records, connect: Connect) -> None:
    event_id = uuid.uuid4()
    connections = [await connect() for _ in range(5)]
    answers = await asyncio.gather(
        *(publish(each, "contract.created", records.customer_id, event_id=event_id) for each in connections)
    )
    assert sorted(answer["created"] for answer in answers) == [False] * 4 + [True]


async def test_an_id_that_stands_for_something_else_is_refused(records: Records) -> None:
    event_id = uuid.uuid4()
    await publish(records.connection, "contract.created", records.customer_id, event_id=event_id)
    with pytest.raises(asyncpg.UniqueViolationError, match="was published before"):
        await publish(records.connection, "contract.activated", records.customer_id, event_id=event_id)
    with pytest.raises(asyncpg.UniqueViolationError, match="was published before"):
        await publish(records.connection, "contract.created", uuid.uuid4(), event_id=event_id)


@pytest.mark.parametrize(
    ("name", "subject", "data", "error"),
    [
        ("contract.bogus", uuid.uuid4(), "{}", asyncpg.InvalidParameterValueError),
        ("contract.inserted", uuid.uuid4(), "{}", asyncpg.InvalidParameterValueError),
        ("message.sent", uuid.uuid4(), "{}", asyncpg.InvalidParameterValueError),
        ("contract.created", "", "{}", asyncpg.InvalidParameterValueError),
        ("contract.created", "no uuid", "{}", asyncpg.InvalidTextRepresentationError),
        ("invoice.refunded", "i" * 1025, "{}", asyncpg.InvalidParameterValueError),
        ("contract.created", uuid.uuid4(), "[]", asyncpg.InvalidParameterValueError),
        ("contract.created", uuid.uuid4(), "null", asyncpg.InvalidParameterValueError),
        ("contract.created", uuid.uuid4(), '{"contract_id": "another"}', asyncpg.InvalidParameterValueError),
        (
            "contract.created",
            uuid.uuid4(),
            json.dumps({"text": "x" * MAX_DATA_BYTES}),
            asyncpg.ProgramLimitExceededError,
        ),
    ],
    ids=[
        "unknown type",
        "row change",
        "written by a trigger",
        "no subject",
        "subject of another kind",
        "subject too long",
        "data is a list",
        "data is null",
        "data names another subject",
        "data too large",
    ],
)
async def test_what_cannot_be_an_event_is_refused(
    records: Records, name: str, subject: object, data: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        await publish(records.connection, name, subject, data)
    assert await records.outbox() == []


async def test_a_subject_in_capitals_has_the_same_key(records: Records) -> None:
    contract_id = await records.insert_contract()
    await publish(
        records.connection,
        "contract.created",
        str(contract_id).upper(),
        json.dumps({"contract_id": str(contract_id)}),
    )
    assert {event["ordering_key"] for event in await records.outbox()} == {str(contract_id)}


async def waits_for_lock(connection: asyncpg.Connection, pid: int) -> None:
    """Return once that session waits for another's lock."""

    async def waiting() -> bool:
        return bool(await connection.fetchval("SELECT cardinality(pg_blocking_pids($1)) > 0", pid))

    await eventually(waiting, within_s=5)


async def test_an_event_is_put_behind_an_uncommitted_change_of_its_aggregate(
    records: Records, connect: Connect
) -> None:
    contract_id = await records.insert_contract()
    changing, publishing = await connect(), await connect()
    change = changing.transaction()
    await change.start()
    await records.touch(contract_id, 1, changing)
    published = asyncio.create_task(publish(publishing, "contract.activated", contract_id))
    await waits_for_lock(records.connection, publishing.get_server_pid())
    await change.commit()
    await published
    assert [event["type"] for event in await records.outbox()] == [
        "contract.inserted",
        "contract.updated",
        "contract.activated",
    ]


async def test_a_change_is_put_behind_an_uncommitted_event_of_its_aggregate(records: Records, connect: Connect) -> None:
    contract_id = await records.insert_contract()
    changing, publishing = await connect(), await connect()
    publication = publishing.transaction()
    await publication.start()
    await publish(publishing, "contract.activated", contract_id)
    changed = asyncio.create_task(records.touch(contract_id, 1, changing))
    await waits_for_lock(records.connection, changing.get_server_pid())
    await publication.commit()
    await changed
    assert [event["type"] for event in await records.outbox()][1:] == ["contract.activated", "contract.updated"]


async def test_two_events_of_an_aggregate_that_is_not_there_wait_for_each_other(
    records: Records, connect: Connect
) -> None:
    nobody = uuid.uuid4()
    first, second = await connect(), await connect()
    transaction = first.transaction()
    await transaction.start()
    await publish(first, "customer.deleted", nobody)
    published = asyncio.create_task(publish(second, "customer.role_changed", nobody))
    await waits_for_lock(records.connection, second.get_server_pid())
    await transaction.commit()
    await published
    assert [event["type"] for event in await records.outbox()] == ["customer.deleted", "customer.role_changed"]


async def test_messages_of_one_customer_wait_for_each_other(records: Records, connect: Connect) -> None:
    thread_id = await records.connection.fetchval(
        "INSERT INTO public.message_thread (customer_id, subject) VALUES ($1, 's') RETURNING id", records.customer_id
    )
    insert = "INSERT INTO public.message (thread_id, sender_role, body) VALUES ($1, 'system', 'Hello')"
    first, second = await connect(), await connect()
    transaction = first.transaction()
    await transaction.start()
    await first.execute(insert, thread_id)
    written = asyncio.create_task(second.execute(insert, thread_id))
    await waits_for_lock(records.connection, second.get_server_pid())
    await transaction.commit()
    await written
    assert len(await records.outbox()) == 2


async def test_events_of_other_aggregates_do_not_wait(records: Records, connect: Connect) -> None:
    one, other = await records.insert_contract(), await records.insert_contract()
    first, second = await connect(), await connect()
    transaction = first.transaction()
    await transaction.start()
    await publish(first, "contract.activated", one)
    await asyncio.wait_for(publish(second, "contract.activated", other), timeout=5)
    await transaction.rollback()


async def test_a_change_of_very_many_rows_needs_no_lock_each(records: Records) -> None:
    # Advisory locks would do for a few keys; a thousand times that exhausts PostgreSQL's lock table.
    await records.connection.execute(
        "INSERT INTO public.contract (customer_id, treatment_id) SELECT $1, $2 FROM generate_series(1, 500)",
        records.customer_id,
        records.treatment_id,
    )
    async with records.connection.transaction():
        await records.connection.execute("UPDATE public.contract SET auto_renew = false")
        advisory = await records.connection.fetchval(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"
        )
    assert advisory == 0
    assert len(await records.outbox()) == 1000


async def test_a_replay_keeps_id_key_and_order(records: Records) -> None:
    contract_id = await records.insert_contract()
    await records.touch(contract_id, 1)
    originals = await records.outbox()
    ids = [event["id"] for event in originals]
    await records.connection.fetch("SELECT * FROM events.replay($1)", list(reversed(ids)))
    copies = (await records.outbox())[2:]
    assert [copy["replay_of"] for copy in copies] == ids
    assert [copy["json"] for copy in copies] == [original["json"] for original in originals]
    assert {copy["lane"] for copy in copies} == {original["lane"] for original in originals}


async def test_a_replay_of_a_replay_is_one_of_the_original(records: Records) -> None:
    await records.insert_contract()
    (original,) = await records.outbox()
    for _ in range(2):
        newest = (await records.outbox())[-1]
        await records.connection.fetch("SELECT * FROM events.replay($1)", [newest["id"]])
    assert [event["replay_of"] for event in await records.outbox()] == [None, original["id"], original["id"]]


async def test_a_replay_settles_dead_letters(records: Records) -> None:
    await records.insert_contract()
    (event,) = await records.outbox()
    await records.connection.execute(
        "INSERT INTO events.dead_letter (event_id, agent, reason, event) VALUES ($1, 'contract', 'broken', '{}')",
        event["id"],
    )
    await records.connection.fetch("SELECT * FROM events.replay($1)", [event["id"]])
    assert await records.connection.fetchval("SELECT resolution FROM events.dead_letter") == "replayed"
