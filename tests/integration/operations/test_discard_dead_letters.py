"""`discard_dead_letters`: what is given up for good, by whom, and why."""

import uuid

import pytest

from tests.integration.operations.conftest import Endpoint
from tests.integration.operations.test_replay_events import give_up
from tests.integration.triggers.records import Records

DISCARD = (
    "mutation ($ids: [uuid!]!, $reason: String!) { discard_dead_letters(ids: $ids, reason: $reason) { discarded } }"
)


async def test_a_discarded_dead_letter_says_who_and_why(endpoint: Endpoint, records: Records) -> None:
    letter = await give_up(records, uuid.uuid4(), "zendesk")
    answer = await endpoint.data(DISCARD, ids=[str(letter)], reason=" The customer is gone. ", me="staff-1")
    assert answer == {"discard_dead_letters": {"discarded": 1}}
    row = await records.connection.fetchrow("SELECT * FROM events.dead_letter")
    assert row is not None
    assert (row["resolution"], row["resolution_reason"], row["resolved_by"]) == (
        "discarded",
        "The customer is gone.",
        "staff-1",
    )


async def test_discarding_twice_is_one_discarding(endpoint: Endpoint, records: Records) -> None:
    letter = str(await give_up(records, uuid.uuid4(), "zendesk"))
    await endpoint.data(DISCARD, ids=[letter], reason="first")
    assert await endpoint.data(DISCARD, ids=[letter], reason="second") == {"discard_dead_letters": {"discarded": 0}}
    assert await records.connection.fetchval("SELECT resolution_reason FROM events.dead_letter") == "first"


async def test_one_wrong_id_leaves_all_as_they_were(endpoint: Endpoint, records: Records) -> None:
    letter, unknown = str(await give_up(records, uuid.uuid4(), "zendesk")), str(uuid.uuid4())
    assert await endpoint.error(DISCARD, ids=[letter, unknown], reason="no") == (
        "not-found",
        f"there is no dead letter {unknown}",
    )
    replayed = await give_up(records, uuid.uuid4(), "contract")
    await records.connection.execute(
        "UPDATE events.dead_letter SET resolved_at = now(), resolution = 'replayed' WHERE id = $1", replayed
    )
    assert (await endpoint.error(DISCARD, ids=[letter, str(replayed)], reason="no"))[0] == "already-replayed"
    assert await records.connection.fetchval("SELECT count(*) FROM events.dead_letter WHERE resolved_at IS NULL") == 1


async def test_a_reason_is_needed(endpoint: Endpoint, records: Records) -> None:
    letter = str(await give_up(records, uuid.uuid4(), "zendesk"))
    assert (await endpoint.error(DISCARD, ids=[letter], reason="  "))[0] == "validation-failed"
    assert (await endpoint.error(DISCARD, ids=[], reason="none"))[0] == "validation-failed"


@pytest.mark.parametrize("role", ["service", "cct", "provider", "user", "anonymous"])
async def test_only_admin_has_the_operation(endpoint: Endpoint, role: str) -> None:
    answer = await endpoint.ask(DISCARD, role=role, me=str(uuid.uuid4()), ids=[str(uuid.uuid4())], reason="no")
    assert answer["errors"][0]["extensions"]["code"] == "validation-failed"
