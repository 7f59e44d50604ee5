"""Streaming subscriptions: rows beyond a cursor, in batches, each once."""

import asyncio
from typing import Any

import pytest

from tests.integration.live.conftest import Connection
from tests.integration.live.sockets import ADMIN, OLDER, TRANSPORT, Client, bearer, connected
from tests.integration.triggers.records import write_events

both_protocols = pytest.mark.parametrize("protocol", [TRANSPORT, OLDER])
#: `sequence` is given out in the order of inserts; `type` is free text without an index of its own.
BY_SEQUENCE = """
    subscription($from: bigint!, $size: Int!, $where: events_outbox_bool_exp) {
      events_outbox_stream(batch_size: $size, cursor: {initial_value: {sequence: $from}}, where: $where) {
        sequence type
      }
    }
"""


async def publish(database: Connection, *types: str) -> list[int]:
    """Events of these types; their sequence numbers."""
    return [(await write_events(database, type_, "k"))[0] for type_ in types]


async def batch(client: Client, id_: str, field: str = "events_outbox_stream") -> list[Any]:
    rows: list[Any] = (await client.data(id_))[field]
    assert rows, "there are no empty messages"
    return rows


@both_protocols
async def test_rows_come_in_order_and_in_batches_and_then_as_they_are_made(
    url: str, database: Connection, protocol: str
) -> None:
    numbers = await publish(database, *"abcde")
    async with connected(url, ADMIN, protocol=protocol) as client:
        id_ = await client.start(BY_SEQUENCE, {"from": numbers[0], "size": 3})
        # Strictly beyond the cursor.
        assert [row["type"] for row in await batch(client, id_)] == ["b", "c", "d"]
        assert [row["type"] for row in await batch(client, id_)] == ["e"]
        await client.nothing(id_)
        await publish(database, "f")
        assert [row["type"] for row in await batch(client, id_)] == ["f"]
        # Rows behind the cursor are not sent again.
        await database.execute("UPDATE events.outbox SET type = type || '!'")
        await client.nothing(id_)
        await publish(database, "g", "h")
        seen = await batch(client, id_)
        if len(seen) == 1:
            seen += await batch(client, id_)
        assert [row["type"] for row in seen] == ["g", "h"]


async def test_equal_batches_are_each_sent(url: str, database: Connection) -> None:
    await publish(database, "a", "a", "a")
    document = """
        subscription { events_outbox_stream(batch_size: 1, cursor: {initial_value: {sequence: 0}}) { type } }
    """
    async with connected(url, ADMIN) as client:
        id_ = await client.start(document)
        for _ in range(3):
            assert await batch(client, id_) == [{"type": "a"}]
        await client.nothing(id_)


async def test_filter_and_descending_order(url: str, database: Connection) -> None:
    numbers = await publish(database, "a", "b", "a", "b", "a")
    document = """
        subscription($from: bigint!) {
          events_outbox_stream(
            batch_size: 2, cursor: [{initial_value: {sequence: $from}, ordering: DESC}], where: {type: {_eq: "a"}}
          ) { sequence }
        }
    """
    async with connected(url, ADMIN) as client:
        id_ = await client.start(document, {"from": numbers[-1]})
        assert await batch(client, id_) == [{"sequence": numbers[2]}, {"sequence": numbers[0]}]
        await client.nothing(id_)


async def test_rows_that_tie_with_the_cursor_are_passed_over(url: str, database: Connection) -> None:
    await publish(database, "a", "a", "b", "b")
    document = """
        subscription { events_outbox_stream(batch_size: 1, cursor: {initial_value: {type: ""}}) { type } }
    """
    async with connected(url, ADMIN) as client:
        id_ = await client.start(document)
        assert await batch(client, id_) == [{"type": "a"}]
        assert await batch(client, id_) == [{"type": "b"}]
        await client.nothing(id_)


async def test_times_pass_through_the_cursor_to_the_microsecond(url: str, database: Connection) -> None:
    await publish(database, "a", "b", "c")
    document = """
        subscription {
          events_outbox_stream(batch_size: 1, cursor: {initial_value: {created_at: "2020-01-01T00:00:00Z"}}) { type }
        }
    """
    async with connected(url, ADMIN) as client:
        id_ = await client.start(document)
        for expected in "abc":
            assert await batch(client, id_) == [{"type": expected}]
        await client.nothing(id_)


async def test_slow_reader_of_a_stream_misses_nothing(url: str, database: Connection) -> None:
    async with connected(url, ADMIN) as client:
        id_ = await client.start(BY_SEQUENCE, {"from": 0, "size": 7})
        written = [await publish(database, *(str(number + step) for step in range(10))) for number in range(0, 100, 10)]
        expected = [number for numbers in written for number in numbers]
        seen: list[int] = []
        async with asyncio.timeout(10):
            while len(seen) < len(expected):
                rows = await batch(client, id_)
                assert len(rows) <= 7
                seen += [row["sequence"] for row in rows]
        assert seen == expected


async def test_each_follower_of_a_stream_has_a_cursor_of_its_own(url: str, database: Connection) -> None:
    numbers = await publish(database, *"abcd")
    async with connected(url, ADMIN) as client:
        early = await client.start(BY_SEQUENCE, {"from": 0, "size": 10})
        late = await client.start(BY_SEQUENCE, {"from": numbers[2], "size": 10})
        again = await client.start(BY_SEQUENCE, {"from": numbers[2], "size": 10})
        assert [row["type"] for row in await batch(client, early)] == list("abcd")
        assert [row["type"] for row in await batch(client, late)] == ["d"]
        assert [row["type"] for row in await batch(client, again)] == ["d"]
        await publish(database, "e")
        for id_ in (early, late, again):
            assert [row["type"] for row in await batch(client, id_)] == ["e"]


async def test_filter_of_the_role_holds_in_streams(url: str, database: Connection) -> None:
    people = [
        await database.fetchval("INSERT INTO public.customer (email) VALUES ($1) RETURNING id", f"{name}@x.example")
        for name in "ab"
    ]
    document = """
        subscription {
          message_thread_stream(batch_size: 5, cursor: {initial_value: {created_at: "2020-01-01"}}) { subject }
        }
    """
    async with connected(url, bearer("user", str(people[0]))) as client:
        id_ = await client.start(document)
        for person, subject in ((people[1], "not mine"), (people[0], "mine")):
            await database.execute(
                "INSERT INTO public.message_thread (customer_id, subject) VALUES ($1, $2)", person, subject
            )
        assert await batch(client, id_, "message_thread_stream") == [{"subject": "mine"}]
        await client.nothing(id_)


async def test_arguments_that_make_no_stream_are_refused(url: str) -> None:
    async with connected(url, ADMIN) as client:
        for arguments, path in (
            ("batch_size: 0, cursor: {initial_value: {sequence: 0}}", "batch_size"),
            ("batch_size: 1, cursor: []", "cursor"),
            ("batch_size: 1, cursor: [null]", "cursor"),
            ('batch_size: 1, cursor: [{initial_value: {sequence: 0}}, {initial_value: {type: ""}}]', "cursor"),
            ('batch_size: 1, cursor: {initial_value: {sequence: 0, type: ""}}', "cursor"),
            ("batch_size: 1, cursor: {initial_value: {}}", "cursor"),
            ("batch_size: 1, cursor: {initial_value: {sequence: null}}", "cursor[0].initial_value.sequence"),
            ("batch_size: 1, cursor: {}", "cursor"),
            ("cursor: {initial_value: {sequence: 0}}", ""),
        ):
            error = await client.error(
                await client.start(f"subscription {{ events_outbox_stream({arguments}) {{ type }} }}")
            )
            assert error["extensions"]["code"] == "validation-failed", arguments
            assert error["extensions"]["path"].startswith(
                f"$.selectionSet.events_outbox_stream.args{'.' if path else ''}{path}"
            ), error


async def test_streams_are_no_queries(url: str) -> None:
    document = "query { events_outbox_stream(batch_size: 1, cursor: {initial_value: {sequence: 0}}) { type } }"
    async with connected(url, ADMIN) as client:
        error = await client.error(await client.start(document))
        assert error["message"] == "field 'events_outbox_stream' not found in type: 'query_root'"
