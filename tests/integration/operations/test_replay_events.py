"""`replay_events`: which events go out again, under which ids, and who may say so."""

import uuid
from typing import Any

import pytest

from tests.integration.operations.conftest import Endpoint
from tests.integration.triggers.records import Records, mark_published
from triggers.statements import load_statement

REPLAY = """
    mutation ($ids: [uuid!], $types: [String!], $subject: String, $from: timestamptz, $to: timestamptz, $agent: String,
              $dead: Boolean = false, $again: Boolean = false, $dry_run: Boolean = false, $limit: Int = 1000,
              $after: bigint = 0, $up_to: bigint) {
      replay_events(ids: $ids, types: $types, subject: $subject, from: $from, to: $to, agent: $agent, dead: $dead,
                    again: $again, dry_run: $dry_run, limit: $limit, after: $after, up_to: $up_to) {
        events remaining reached newest ids
      }
    }
"""


async def publish_all(records: Records, count: int) -> list[Any]:
    """Events of `count` new contracts, all published; in order."""
    for _ in range(count):
        await records.insert_contract()
    await mark_published(records.connection)
    return await records.outbox()


async def give_up(records: Records, event_id: uuid.UUID, agent: str) -> uuid.UUID:
    dead_letter: uuid.UUID = await records.connection.fetchval(
        "INSERT INTO events.dead_letter (event_id, agent, reason, event) VALUES ($1, $2, 'no', '{}') RETURNING id",
        event_id,
        agent,
    )
    return dead_letter


async def archive(records: Records) -> None:
    """Move every event to the archive, as the clean-up does when they are old."""
    await records.connection.execute("UPDATE events.outbox SET created_at = now() - interval '1 year'")
    await records.connection.fetchval(load_statement("scheduler/data_cleanup"))
    assert await records.outbox() == []


async def copies(records: Records) -> list[Any]:
    """What waits in the outbox."""
    return [row for row in await records.outbox() if row["published_at"] is None]


async def test_events_named_by_id_go_out_again_under_their_ids_in_their_old_order(
    endpoint: Endpoint, records: Records
) -> None:
    first, _, third = await publish_all(records, 3)
    answer = await endpoint.data(REPLAY, ids=[str(third["id"]), str(first["id"])])
    assert answer["replay_events"] == {
        "events": 2,
        "remaining": 0,
        "reached": third["sequence"],
        "newest": third["sequence"],
        "ids": [str(first["id"]), str(third["id"])],
    }
    assert [row["replay_of"] for row in await copies(records)] == [first["id"], third["id"]]


@pytest.mark.parametrize("by", ["types", "subject", "time"])
async def test_events_are_chosen_by_type_subject_and_time(endpoint: Endpoint, records: Records, by: str) -> None:
    _, wanted, last = await publish_all(records, 3)
    await records.connection.execute(
        "UPDATE events.outbox SET type = 'contract.created', created_at = now() + interval '1 hour' WHERE id = $1",
        wanted["id"],
    )
    await records.connection.execute(
        "UPDATE events.outbox SET created_at = now() + interval '2 hours' WHERE id = $1", last["id"]
    )
    moment = await records.connection.fetchval("SELECT now()")
    chosen: dict[str, Any] = {
        "types": {"types": ["contract.created"]},
        "subject": {"subject": wanted["subject"]},
        "time": {
            "from": moment.replace(microsecond=0).isoformat(),
            "to": (await records.connection.fetchval("SELECT now() + interval '90 minutes'")).isoformat(),
        },
    }[by]
    if by == "time":
        await records.connection.execute(
            "UPDATE events.outbox SET created_at = now() - interval '1 day' WHERE id NOT IN ($1, $2)",
            wanted["id"],
            last["id"],
        )
    answer = await endpoint.data(REPLAY, **chosen)
    assert answer["replay_events"]["ids"] == [str(wanted["id"])]


async def test_again_makes_new_events_of_them(endpoint: Endpoint, records: Records) -> None:
    (event,) = await publish_all(records, 1)
    await endpoint.data(REPLAY, ids=[str(event["id"])], again=True)
    (copy,) = await copies(records)
    assert copy["replay_of"] is None
    assert copy["id"] != event["id"]
    assert copy["json"] == event["json"]


async def test_again_for_one_agent_lets_only_that_agent_forget(endpoint: Endpoint, records: Records) -> None:
    (event,) = await publish_all(records, 1)
    await records.connection.execute(
        "INSERT INTO events.inbox (agent, event_id) VALUES ('contract', $1), ('zendesk', $1)", event["id"]
    )
    await endpoint.data(REPLAY, ids=[str(event["id"])], again=True, agent="contract")
    assert [(row["replay_of"], row["replay_to"]) for row in await copies(records)] == [(event["id"], "contract")]
    assert await records.connection.fetchval("SELECT array_agg(agent) FROM events.inbox") == ["zendesk"]


async def test_a_replay_to_one_agent_is_for_that_agent_and_settles_its_dead_letters_alone(
    endpoint: Endpoint, records: Records
) -> None:
    (event,) = await publish_all(records, 1)
    for agent in ("contract", "zendesk"):
        await give_up(records, event["id"], agent)
    await endpoint.data(REPLAY, types=["contract.inserted"], agent="contract")
    (copy,) = await copies(records)
    assert (copy["replay_of"], copy["replay_to"]) == (event["id"], "contract")
    rows = await records.connection.fetch("SELECT agent, resolution FROM events.dead_letter ORDER BY agent")
    assert [tuple(row) for row in rows] == [("contract", "replayed"), ("zendesk", None)]


async def test_a_replay_of_everything_again_in_pieces_ends_before_its_own_copies(
    endpoint: Endpoint, records: Records
) -> None:
    await publish_all(records, 5)
    piece: dict[str, Any] = {"reached": 0, "newest": None, "remaining": 1}
    pieces = 0
    while piece["remaining"]:
        variables = {"after": piece["reached"], "up_to": piece["newest"]}
        piece = (await endpoint.data(REPLAY, types=["contract.inserted"], again=True, limit=2, **variables))[
            "replay_events"
        ]
        pieces += 1
        await mark_published(records.connection)
    assert pieces == 3
    assert len(await records.outbox()) == 10


async def test_an_archived_event_is_replayed_like_any_other(endpoint: Endpoint, records: Records) -> None:
    (event,) = await publish_all(records, 1)
    await archive(records)
    answer = await endpoint.data(REPLAY, ids=[str(event["id"])])
    assert answer["replay_events"]["ids"] == [str(event["id"])]
    (copy,) = await copies(records)
    assert (copy["replay_of"], copy["json"]) == (event["id"], event["json"])


async def test_an_agent_alone_stands_for_what_it_gave_up(endpoint: Endpoint, records: Records) -> None:
    first, second, _ = await publish_all(records, 3)
    await give_up(records, first["id"], "zendesk")
    await give_up(records, second["id"], "contract")
    answer = await endpoint.data(REPLAY, agent="contract")
    assert answer["replay_events"]["ids"] == [str(second["id"])]
    rows = await records.connection.fetch("SELECT agent, resolution FROM events.dead_letter ORDER BY agent")
    assert [tuple(row) for row in rows] == [("contract", "replayed"), ("zendesk", None)]


async def test_a_dry_run_counts_and_sends_nothing(endpoint: Endpoint, records: Records) -> None:
    await publish_all(records, 3)
    answer = await endpoint.data(REPLAY, types=["contract.inserted"], dry_run=True, limit=2)
    assert (answer["replay_events"]["events"], answer["replay_events"]["remaining"]) == (2, 1)
    assert await copies(records) == []


async def test_a_replay_in_pieces_goes_on_where_the_last_one_ended(endpoint: Endpoint, records: Records) -> None:
    events = await publish_all(records, 5)
    sent: list[str] = []
    after = 0
    for expected in (2, 2, 1):
        piece = (await endpoint.data(REPLAY, types=["contract.inserted"], limit=2, after=after))["replay_events"]
        assert piece["events"] == expected
        sent += piece["ids"]
        after = piece["reached"]
    assert sent == [str(event["id"]) for event in events]


async def test_a_copy_stands_for_its_original(endpoint: Endpoint, records: Records) -> None:
    (event,) = await publish_all(records, 1)
    await endpoint.data(REPLAY, ids=[str(event["id"])])
    (copy,) = await copies(records)
    await mark_published(records.connection)
    answer = await endpoint.data(REPLAY, ids=[str(copy["id"])])
    assert answer["replay_events"]["ids"] == [str(event["id"])]
    assert [row["replay_of"] for row in await copies(records)] == [event["id"]]


async def test_what_else_fails_in_the_mutation_undoes_the_replay(endpoint: Endpoint, records: Records) -> None:
    (event,) = await publish_all(records, 1)
    code, _ = await endpoint.error(
        """
        mutation ($id: uuid!, $unknown: uuid!) {
          replay_events(ids: [$id]) { events }
          discard_dead_letters(ids: [$unknown], reason: "no") { discarded }
        }
        """,
        id=str(event["id"]),
        unknown=str(uuid.uuid4()),
    )
    assert code == "not-found"
    assert await copies(records) == []


async def test_refusals_have_their_codes(endpoint: Endpoint, records: Records) -> None:
    (event,) = await publish_all(records, 1)
    await records.insert_contract()
    waiting = (await records.outbox())[-1]
    unknown = str(uuid.uuid4())
    assert await endpoint.error(REPLAY, ids=[str(event["id"]), unknown]) == (
        "not-found",
        f"there is no event {unknown}",
    )
    code, message = await endpoint.error(REPLAY, ids=[str(waiting["id"])])
    assert code == "not-published"
    assert str(waiting["id"]) in message
    assert (await endpoint.error(REPLAY))[0] == "validation-failed"
    assert (await endpoint.error(REPLAY, dead=True, limit=0))[0] == "validation-failed"
    assert (await endpoint.error(REPLAY, ids=["no uuid"]))[0] in {"data-exception", "parse-failed", "validation-failed"}
    assert len(await copies(records)) == 1


@pytest.mark.parametrize("role", ["service", "cct", "provider", "user", "anonymous"])
async def test_only_admin_has_the_operation(endpoint: Endpoint, role: str) -> None:
    answer = await endpoint.ask("mutation { replay_events(dead: true) { events } }", role=role, me=str(uuid.uuid4()))
    assert answer["errors"][0]["extensions"]["code"] == "validation-failed"
