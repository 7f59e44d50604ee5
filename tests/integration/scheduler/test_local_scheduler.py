"""The local Cloud Scheduler: on time, once, and missed runs caught up once."""

import asyncio
import json
import ssl
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from local.pubsub.push.token import TokenSource
from local.scheduler.clockwork import Called, last_due
from local.scheduler.cron import Cron
from local.scheduler.settings import CronSettings
from tests.integration.pubsub.receiver import Push, Receiver
from tests.integration.tasks.test_cloud_tasks import until
from triggers.scheduler.cron import CronJob

EVERY_MINUTE = CronJob(name="often", schedule="* * * * *", purpose="Tests.", statement="x")
OF_NOBODY = CronJob(name="of-nobody", schedule="* * * * *", purpose="Tests.", agent="nobody")


@pytest.mark.parametrize(
    ("schedule", "now", "due"),
    [
        ("* * * * *", "2026-03-01T02:15:30", "2026-03-01T02:15"),
        ("15 2 * * *", "2026-03-01T02:15:00", "2026-03-01T02:15"),
        ("15 2 * * *", "2026-03-01T02:14:59", "2026-02-28T02:15"),
        ("45 3 * * 0", "2026-03-04T00:00:00", "2026-03-01T03:45"),
    ],
)
def test_the_last_time_that_a_schedule_names(schedule: str, now: str, due: str) -> None:
    moment = datetime.fromisoformat(now).replace(tzinfo=UTC)
    assert last_due(schedule, now=moment) == datetime.fromisoformat(due).replace(tzinfo=UTC)


@asynccontextmanager
async def cron(folder: Path, identity: str, url: str) -> AsyncIterator[None]:
    settings = CronSettings.model_validate(
        {
            "PORT": 0,
            "CAREGRAPH_SCHEDULER_AUDIENCE": url,
            "CAREGRAPH_CRON_SERVICE_ACCOUNT": "cron@caregraph-local.iam.gserviceaccount.com",
            "CAREGRAPH_IDENTITY_URL": identity,
            "file": folder / "called.json",
        }
    )
    async with httpx.AsyncClient(verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)) as client:
        running = asyncio.create_task(Cron([EVERY_MINUTE, OF_NOBODY], settings, TokenSource(identity), client).run())
        try:
            yield
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running


async def test_an_hour_of_missed_runs_is_one_run_with_the_latest_time(tmp_path: Path, identity: str) -> None:
    Called(tmp_path / "called.json").note("often", datetime.now(UTC) - timedelta(hours=1))
    with Receiver(lambda _push, _index: 200) as receiver:
        async with cron(tmp_path, identity, receiver.base_url):
            await until(lambda: len(receiver.pushes) == 1)
            called = receiver.pushes[0].headers
            await until(lambda: "often" in (tmp_path / "called.json").read_text())
        assert called["x-cloudscheduler-jobname"] == "often"
        assert called["authorization"].startswith("Bearer ")
        due_at = datetime.fromisoformat(called["x-cloudscheduler-scheduletime"])
        assert timedelta() <= datetime.now(UTC) - due_at < timedelta(minutes=2)
        assert len(receiver.pushes) == 1


async def test_a_job_that_is_new_here_waits_for_its_next_time(tmp_path: Path, identity: str) -> None:
    with Receiver() as receiver:
        async with cron(tmp_path, identity, receiver.base_url):
            await until((tmp_path / "called.json").exists)
        assert list(json.loads((tmp_path / "called.json").read_text())) == ["often"]
        assert receiver.pushes == []


async def test_after_the_clock_was_set_back_jobs_go_on_by_it(
    tmp_path: Path, identity: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("local.scheduler.cron._LOOK_S", 0.02)
    file = tmp_path / "called.json"
    Called(file).note("often", datetime.now(UTC) + timedelta(days=180))
    now = datetime.now(UTC)

    async def tell(_: Cron) -> datetime:
        return now

    monkeypatch.setattr(Cron, "_now", tell)
    with Receiver(lambda _push, _index: 200) as receiver:
        async with cron(tmp_path, identity, receiver.base_url):
            await until(lambda: Called(file).last("often") == last_due("* * * * *", now=now))
            assert receiver.pushes == []
            now += timedelta(minutes=1)
            await until(lambda: len(receiver.pushes) == 1)
    due_at = datetime.fromisoformat(receiver.pushes[0].headers["x-cloudscheduler-scheduletime"])
    assert due_at == last_due("* * * * *", now=now)


async def test_what_was_under_way_when_it_was_killed_is_called_again(tmp_path: Path, identity: str) -> None:
    Called(tmp_path / "called.json").note("often", datetime.now(UTC) - timedelta(minutes=3))
    let_go = threading.Event()

    def hold_the_first(_: Push, index: int) -> int:
        if index == 0 and not let_go.is_set():
            let_go.wait(20)
        return 200

    with Receiver(hold_the_first) as receiver:
        async with cron(tmp_path, identity, receiver.base_url):
            await until(lambda: receiver.concurrent == 1)
        # It ended before it had an answer, and has noted nothing.
        let_go.set()
        await until(lambda: len(receiver.pushes) == 1)
        async with cron(tmp_path, identity, receiver.base_url):
            await until(lambda: len(receiver.pushes) == 2)
    first, second = (push.headers["x-cloudscheduler-scheduletime"] for push in receiver.pushes)
    # The same time, unless a minute has begun meanwhile.
    assert datetime.fromisoformat(second) - datetime.fromisoformat(first) in {timedelta(), timedelta(minutes=1)}


async def test_a_run_that_failed_is_called_again_with_its_own_time(
    tmp_path: Path, identity: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("local.scheduler.cron._AGAIN_S", 0.05)
    Called(tmp_path / "called.json").note("often", datetime.now(UTC) - timedelta(minutes=3))
    with Receiver(lambda _push, index: 500 if index < 2 else 200) as receiver:
        async with cron(tmp_path, identity, receiver.base_url):
            await until(lambda: len(receiver.pushes) == 3)
    times = [datetime.fromisoformat(push.headers["x-cloudscheduler-scheduletime"]) for push in receiver.pushes]
    assert times[-1] - times[0] in {timedelta(), timedelta(minutes=1)}
