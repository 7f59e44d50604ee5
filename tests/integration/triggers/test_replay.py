"""Replays: rate-limited, and going on where they were interrupted."""

import asyncio
import os
import re
import signal
import subprocess
import sys
from contextlib import aclosing
from pathlib import Path

import pytest

from tests.integration.triggers.pubsub import Project
from tests.integration.triggers.records import Records, mark_published
from tests.integration.triggers.relays import eventually, running_relay
from tests.lateness import lateness
from triggers.replay import Selection, measure, replay

CAREGRAPH = Path(sys.executable).with_name("caregraph")


async def publish_all(records: Records, count: int) -> None:
    for _ in range(count):
        await records.insert_contract()
    await mark_published(records.connection)


async def test_a_replay_keeps_to_its_rate(records: Records) -> None:
    await publish_all(records, 30)
    selection = Selection(types=["contract.inserted"])
    extent = await measure(records.connection, selection)
    sent = 0
    with lateness() as late:
        began = asyncio.get_running_loop().time()
        async with aclosing(
            replay(records.connection, selection, newest=extent.newest, again=False, rate=50)
        ) as batches:
            async for progress in batches:
                sent += progress.events
                if sent == 30:
                    break
                # The next batch waits for its turn.
        took_s = asyncio.get_running_loop().time() - began
    assert took_s < late.at_most(1)
    began = asyncio.get_running_loop().time()
    async with aclosing(replay(records.connection, selection, newest=extent.newest, again=False, rate=20)) as batches:
        assert [progress.events async for progress in batches] == [20, 10]
    assert asyncio.get_running_loop().time() - began >= 0.9


async def test_an_interrupted_replay_goes_on_where_it_was(records: Records) -> None:
    await publish_all(records, 120)
    selection = Selection(types=["contract.inserted"])
    extent = await measure(records.connection, selection)
    reached = 0
    async with aclosing(
        replay(records.connection, selection, newest=extent.newest, again=False, rate=10_000)
    ) as batches:
        async for progress in batches:
            reached = progress.reached
            break
    rest = Selection(types=["contract.inserted"], after=reached)
    async with aclosing(replay(records.connection, rest, newest=extent.newest, again=False, rate=10_000)) as batches:
        async for _ in batches:
            pass
    replayed = await records.connection.fetch("SELECT replay_of FROM events.outbox WHERE replay_of IS NOT NULL")
    assert len(replayed) == len({row["replay_of"] for row in replayed}) == 120


async def test_a_replay_does_not_run_after_its_own_copies(records: Records) -> None:
    await publish_all(records, 3)
    selection = Selection(types=["contract.inserted"])
    extent = await measure(records.connection, selection)
    assert extent.events == 3
    async for _ in replay(records.connection, selection, newest=extent.newest, again=True, rate=10_000):
        await mark_published(records.connection)
    assert await records.connection.fetchval("SELECT count(*) FROM events.outbox") == 6


async def test_a_replay_for_one_agent_names_it_in_the_message(
    records: Records, project: Project, database_url: str
) -> None:
    await publish_all(records, 1)
    selection = Selection(types=["contract.inserted"], agent="zendesk")
    extent = await measure(records.connection, selection)
    async for _ in replay(records.connection, selection, newest=extent.newest, again=False, rate=100):
        pass
    (original, _) = await records.outbox()
    async with running_relay(project.settings(database_url)):
        (received,) = await project.receive_count(1)
    assert received.attributes["ce-recipient"] == "zendesk"
    assert received.attributes["ce-id"] == str(original["id"])


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
async def test_an_interrupted_command_says_how_to_go_on_and_repeats_nothing(
    records: Records, database_url: str, tmp_path: Path, how: signal.Signals
) -> None:
    await publish_all(records, 40)
    replaying = (CAREGRAPH, "events", "replay", "--type", "contract.inserted", "--yes", "--again")
    environment = {**os.environ, "DATABASE_URL": database_url, "CAREGRAPH_ENVIRONMENT": "development"}
    # Two a second: a busy machine, too, finds it in the middle.
    log = tmp_path / "log"
    with log.open("w") as file:
        first = subprocess.Popen(  # noqa: ASYNC220 -- started at once; what takes time is awaited below
            [*replaying, "--rate", "2"],
            env=environment,
            stderr=file,
            cwd=tmp_path,
            # Tests that run in a shell's background inherit that SIGINT is ignored.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 -- it does nothing else
        )

    async def has_told() -> bool:
        # The second of its lines: what it tells is what was sent until then.
        return log.read_text().count(" of 40 sent; the rest: --after") >= 2

    try:
        await eventually(has_told)
        first.send_signal(how)
        await asyncio.to_thread(first.wait, 20)
    finally:
        if first.poll() is None:
            first.kill()
    assert first.returncode != 0
    said = log.read_text()
    rest_is = re.findall(r"--after \d+ --up-to \d+", said)
    assert rest_is, said
    assert ("To go on: the same command with" in said) is (how is signal.SIGINT)
    # What was sent already is new to everyone, of the same type, and published meanwhile.
    await mark_published(records.connection)
    rest = await asyncio.to_thread(
        subprocess.run,
        [*replaying, "--rate", "1000", *rest_is[-1].split()],
        env=environment,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert rest.returncode == 0, rest.stderr
    assert "40/40" not in rest.stderr
    subjects = await records.connection.fetch("SELECT count(*) FROM events.outbox GROUP BY subject")
    assert [row["count"] for row in subjects] == [2] * 40
