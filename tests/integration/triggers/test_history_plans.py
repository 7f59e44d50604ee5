"""What operators ask of the history stays quick when it is long: nothing walks through the outbox for it."""

import json
import uuid
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from tests.databases import create_database, drop_database, run
from triggers.statements import load_statement

#: Enough for the planner to prefer an index, little enough for a test.
FILL = """
INSERT INTO events.outbox (type, topic, ordering_key, subject, lane, data, trace_id, created_at)
SELECT
    CASE WHEN n % 10000 = 0 THEN 'prescription.rejected' ELSE 'contract.updated' END,
    'contract-events', md5((n % 3000)::text), md5((n % 3000)::text), 0, jsonb_build_object('n', repeat('x', 300)),
    md5(n::text), now() - interval '40 days' + n * interval '1 minute'
FROM generate_series(1, 40000) AS n
"""
NOTHING: dict[str, Any] = {"types": None, "key": None, "state": None, "since": None, "until": None}


@pytest.fixture(scope="module")
def filled_database(postgres_server: str, template_database: str) -> Iterator[str]:
    """A database with a long history, for all tests here."""
    url = run(create_database(postgres_server, template=template_database))
    run(fill(url))
    yield url
    run(drop_database(postgres_server, url))


async def fill(url: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute("ALTER TABLE events.outbox DISABLE TRIGGER USER")
    await connection.execute(FILL)
    await connection.execute(
        "INSERT INTO events.publication (sequence, published_at, attempts) SELECT sequence, now(), 1 FROM events.outbox"
    )
    await connection.execute(
        "INSERT INTO events.dead_letter (event_id, agent, reason, event)"
        " SELECT id, 'zendesk', 'no', '{}' FROM events.outbox ORDER BY sequence LIMIT 3"
    )
    await connection.execute("VACUUM ANALYZE events.outbox, events.waiting, events.publication, events.dead_letter")
    await connection.close()


@pytest.fixture
async def long_history(filled_database: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(filled_database)
    yield connection
    await connection.close()


async def read_nodes(connection: asyncpg.Connection, statement: str, *arguments: object) -> list[dict[str, Any]]:
    """The nodes of the plan that touch the outbox and what became of its events, as it was carried out."""
    text = await connection.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {load_statement(statement)}", *arguments)

    def nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
        yield node
        for child in node.get("Plans", ()):
            yield from nodes(child)

    plan = json.loads(text)[0]["Plan"]
    return [
        node
        for node in nodes(plan)
        if node.get("Relation Name") in {"outbox", "publication", "waiting"} and node["Actual Loops"]
    ]


def rows_read(node: dict[str, Any]) -> float:
    thrown_away = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
    return float(node["Actual Loops"] * (node["Actual Rows"] + thrown_away))


@pytest.mark.parametrize(
    "wanted",
    [
        {},
        {"types": ["contract.updated"]},
        {"types": ["prescription.rejected"]},
        {"types": ["referral.completed"]},
        {"key": "c4ca4238a0b923820dcc509a6f75849b"},
        {"state": "waiting"},
        {"state": "published"},
        {"state": "dead"},
        {"since": datetime.now(UTC) - timedelta(days=30), "until": datetime.now(UTC) - timedelta(days=29, hours=23)},
        {"types": ["prescription.rejected"], "until": datetime.now(UTC) - timedelta(days=30)},
    ],
    # Not the moments themselves: both test workers must find the same tests.
    ids=lambda wanted: ", ".join(wanted) or "anything",
)
async def test_a_list_reads_little_of_a_long_outbox(long_history: asyncpg.Connection, wanted: dict[str, Any]) -> None:
    filters = NOTHING | wanted
    nodes = await read_nodes(long_history, "history/list", *filters.values(), 25)
    assert sum(map(rows_read, nodes)) < 4_000, nodes


async def test_what_came_from_outside_is_told_apart_without_a_walk_through_the_outbox(
    long_history: asyncpg.Connection,
) -> None:
    nodes = await read_nodes(long_history, "history/from_outside", None, None, None, None, None, 25)
    assert sum(map(rows_read, nodes)) < 100, nodes


async def test_a_story_and_an_event_read_little_of_a_long_outbox(long_history: asyncpg.Connection) -> None:
    nodes = await read_nodes(long_history, "history/events_of_subject", "c4ca4238a0b923820dcc509a6f75849b", 200)
    # By trace: a look at a few ranges of blocks for each of its thirteen events.
    assert sum(map(rows_read, nodes)) < 10_000, nodes
    event_id: uuid.UUID = await long_history.fetchval("SELECT id FROM events.outbox ORDER BY sequence LIMIT 1 OFFSET 9")
    nodes = await read_nodes(long_history, "history/events_by_id", [event_id])
    assert sum(map(rows_read, nodes)) < 100, nodes


async def test_a_trace_reads_little_of_a_long_outbox(long_history: asyncpg.Connection) -> None:
    nodes = await read_nodes(long_history, "history/events_of_trace", "c4ca4238a0b923820dcc509a6f75849b")
    assert sum(map(rows_read, nodes)) < 4_000, nodes


async def test_what_was_given_up_is_replayed_without_a_walk_through_the_outbox(
    long_history: asyncpg.Connection,
) -> None:
    nodes = await read_nodes(
        long_history, "history/count_to_replay", None, None, None, None, None, True, "zendesk", 0, None
    )
    assert sum(map(rows_read, nodes)) < 100, nodes
