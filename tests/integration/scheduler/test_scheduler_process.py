"""`caregraph scheduler` as a program: who may call it, what it answers, and what a SIGKILL amid its work leaves."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from local.pubsub.push.token import TokenSource
from tests.integration.agents.serving import NO_TLS
from tests.integration.pubsub.receiver import Push, Receiver
from tests.integration.pubsub.server import ROOT, free_port
from tests.integration.tasks.conftest import ACCOUNT, QUEUE, CloudTasks
from tests.integration.triggers.relays import eventually

CRON = "cron@caregraph-local.iam.gserviceaccount.com"
METADATA = "/computeMetadata/v1/instance/service-accounts"
SCHEDULER = "scheduler@caregraph-local.iam.gserviceaccount.com"
DUE = datetime(2026, 3, 1, 2, 15, tzinfo=UTC)
TIMEOUT_S = 20.0


@dataclass(frozen=True, kw_only=True)
class Scheduler:
    """A running scheduler and someone who may call it."""

    process: subprocess.Popen[bytes]
    url: str
    client: httpx.AsyncClient
    token: str

    async def call(self, job: str, due_at: datetime | str = DUE, *, token: str | None = None) -> httpx.Response:
        when = due_at if isinstance(due_at, str) else due_at.isoformat()
        headers = {"authorization": f"Bearer {token or self.token}", "x-cloudscheduler-scheduletime": when}
        return await self.client.post(f"{self.url}/jobs/{job}", headers=headers)

    async def ready(self) -> None:
        async def answers() -> bool:
            assert self.process.poll() is None
            try:
                return (await self.client.get(f"{self.url}/readyz")).status_code == 200
            except httpx.HTTPError:
                return False

        await eventually(answers, within_s=TIMEOUT_S)

    def kill(self) -> None:
        """SIGKILL."""
        self.process.kill()
        self.process.wait(TIMEOUT_S)


def run_scheduler(environment: dict[str, str], log: Path) -> subprocess.Popen[bytes]:
    with log.open("ab") as output:
        return subprocess.Popen(
            [Path(sys.executable).with_name("caregraph"), "scheduler"],
            cwd=ROOT,
            env={**os.environ, **environment},
            stdout=output,
            stderr=output,
        )


Start = Callable[..., Any]


@pytest.fixture
async def start(database_url: str, tasks: CloudTasks, identity: str, tmp_path: Path) -> AsyncIterator[Start]:
    """Start schedulers on one port, one after the other; the agents are at the given URL."""
    started: list[Scheduler] = []
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    tokens = TokenSource(identity)

    async with httpx.AsyncClient(timeout=TIMEOUT_S, trust_env=False, verify=NO_TLS) as client:

        async def another(agents: str) -> Scheduler:
            environment = {
                "PORT": str(port),
                "DATABASE_URL": database_url,
                "CLOUD_TASKS_EMULATOR_HOST": tasks.server.address,
                "CAREGRAPH_TASKS_QUEUE": QUEUE,
                "CAREGRAPH_TASKS_SERVICE_ACCOUNT": ACCOUNT,
                "CAREGRAPH_AGENT_URLS": json.dumps({"contract": agents, "chargebee": agents}),
                "CAREGRAPH_CRON_SERVICE_ACCOUNT": CRON,
                "CAREGRAPH_SCHEDULER_AUDIENCE": url,
                "CAREGRAPH_SCHEDULER_POLL_S": "0.05",
                "CAREGRAPH_SERVICE_JWKS_URL": f"{identity}/oauth2/v3/certs",
                "CAREGRAPH_ID_TOKEN_URL": f"{identity}{METADATA}/{SCHEDULER}/identity",
            }
            process = run_scheduler(environment, tmp_path / "scheduler.log")
            scheduler = Scheduler(process=process, url=url, client=client, token=await tokens.get(CRON, url))
            started.append(scheduler)
            await scheduler.ready()
            return scheduler

        yield another
        for scheduler in started:
            if scheduler.process.poll() is None:
                scheduler.kill()
        tokens.close()


@asynccontextmanager
async def holding() -> AsyncIterator[tuple[Receiver, asyncio.Event, threading.Event]]:
    """An agent whose job takes until it is let go; says when the first request is there."""
    here, let_go = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def answer(_: Push, __: int) -> int:
        loop.call_soon_threadsafe(here.set)
        let_go.wait(TIMEOUT_S)
        return 200

    with Receiver(answer) as receiver:
        try:
            yield receiver, here, let_go
        finally:
            let_go.set()


async def runs(connection: asyncpg.Connection) -> list[tuple[str, str]]:
    rows = await connection.fetch("SELECT job, outcome FROM events.cron_run ORDER BY due_at")
    return [(row["job"], row["outcome"]) for row in rows]


async def test_a_call_is_for_cloud_scheduler_alone_and_says_what_came_of_it(
    connection: asyncpg.Connection, start: Start, identity: str
) -> None:
    async with holding() as (agent, here, let_go):
        scheduler = await start(agent.base_url)
        tokens = TokenSource(identity)
        for_another = await tokens.get(CRON, "http://127.0.0.1:9")
        of_another = await tokens.get(ACCOUNT, scheduler.url)
        tokens.close()
        for token in ("nonsense", for_another, of_another):
            assert (await scheduler.call("renewal-check", token=token)).status_code == 401
        assert (await scheduler.call("make-coffee")).status_code == 404
        assert (await scheduler.call("renewal-check", "tomorrow")).status_code == 400
        assert await runs(connection) == []

        done = await scheduler.call("renewal-check")
        again = await scheduler.call("renewal-check")
        assert (done.status_code, done.json()) == (200, {"outcome": "done"})
        assert (again.status_code, again.json()) == (200, {"outcome": "repeated"})

        slow = asyncio.create_task(scheduler.call("chargebee-etl"))
        await asyncio.wait_for(here.wait(), TIMEOUT_S)
        busy = await scheduler.call("chargebee-etl", DUE + timedelta(minutes=1))
        assert (busy.status_code, busy.json()) == (409, {"outcome": "busy"})
        # Another job doesn't wait for it.
        assert (await scheduler.call("renewal-check", DUE + timedelta(days=1))).status_code == 200
        let_go.set()
        assert (await slow).status_code == 200
    assert await runs(connection) == [("renewal-check", "done"), ("chargebee-etl", "done"), ("renewal-check", "done")]
    (asked,) = agent.pushes
    assert asked.headers["x-cloudscheduler-scheduletime"] == DUE.isoformat()
    assert asked.headers["authorization"].startswith("Bearer ")


async def test_its_metrics_tell_what_waits_for_a_person(connection: asyncpg.Connection, start: Start) -> None:
    await connection.execute(
        "INSERT INTO events.dead_letter (event_id, agent, reason, event)"
        " SELECT gen_random_uuid(), 'zendesk', 'no', '{}' FROM generate_series(1, 3)"
    )
    await connection.execute(
        "INSERT INTO events.scheduled_task (name, kind, target, due_at, status)"
        " VALUES ('late', 'contract.renewal', 'unheard_of', now() - interval '1 hour', 'scheduled'),"
        " ('lost', 'contract.renewal', 'contract', now() - interval '1 hour', 'failed')"
    )
    await connection.execute(
        "INSERT INTO events.cron_run (job, due_at, outcome, finished_at)"
        " VALUES ('renewal-check', now(), 'done', to_timestamp(1700000000))"
    )
    scheduler = await start("http://127.0.0.1:9")
    metrics = (await scheduler.client.get(f"{scheduler.url}/metrics")).text
    for line in (
        'caregraph_dead_letters_open{agent="zendesk"} 3.0',
        "caregraph_tasks_late 1.0",
        "caregraph_tasks_failed 1.0",
        'caregraph_cron_last_done_seconds{job="renewal-check"} 1.7e+09',
        'caregraph_cron_last_done_seconds{job="data-cleanup"} 0.0',
    ):
        assert line in metrics


async def test_killed_amid_a_run_it_is_run_anew_by_the_next_call(connection: asyncpg.Connection, start: Start) -> None:
    async with holding() as (agent, here, let_go):
        scheduler = await start(agent.base_url)
        lost = asyncio.create_task(scheduler.call("chargebee-etl"))
        await asyncio.wait_for(here.wait(), TIMEOUT_S)
        assert await runs(connection) == [("chargebee-etl", "running")]
        scheduler.kill()
        with pytest.raises(httpx.HTTPError):
            await lost

        let_go.set()
        heir = await start(agent.base_url)
        # As Cloud Scheduler does with a call that failed. The killed one's lock went with its session.
        answer = await heir.call("chargebee-etl")
    assert (answer.status_code, answer.json()) == (200, {"outcome": "done"})
    assert await runs(connection) == [("chargebee-etl", "done")]


async def test_killed_amid_a_run_that_nobody_repeats_it_is_recorded_as_abandoned(
    connection: asyncpg.Connection, start: Start
) -> None:
    async with holding() as (agent, here, let_go):
        scheduler = await start(agent.base_url)
        lost = asyncio.create_task(scheduler.call("chargebee-etl"))
        await asyncio.wait_for(here.wait(), TIMEOUT_S)
        scheduler.kill()
        await asyncio.gather(lost, return_exceptions=True)
        let_go.set()
        heir = await start(agent.base_url)
        assert (await heir.call("chargebee-etl", DUE + timedelta(minutes=1))).status_code == 200
    assert await runs(connection) == [("chargebee-etl", "abandoned"), ("chargebee-etl", "done")]


async def test_killed_amid_the_hand_over_every_task_reaches_its_agent_once(
    connection: asyncpg.Connection, tasks: CloudTasks, start: Start
) -> None:
    count = 60

    async def handed_over(some: int) -> bool:
        return bool(
            await connection.fetchval(
                "SELECT count(*) >= $1 FROM events.scheduled_task WHERE status = 'handed_over'", some
            )
        )

    with Receiver() as agent:
        scheduler = await start(agent.base_url)
        scheduler.process.send_signal(signal.SIGSTOP)
        await connection.execute(
            "INSERT INTO events.scheduled_task (name, kind, target, due_at, payload)"
            " SELECT 'task-' || n, 'contract.renewal', 'contract', now() + interval '1 hour', '{}'"
            " FROM generate_series(1, $1) AS n",
            count,
        )
        scheduler.process.send_signal(signal.SIGCONT)
        await eventually(lambda: handed_over(3))
        scheduler.kill()
        assert not await handed_over(count), "it was killed too late to see anything"
        await start(agent.base_url)
        await eventually(lambda: handed_over(count), within_s=60)
        await tasks.advance(timedelta(hours=1))
        await asyncio.to_thread(agent.wait_for, count, within_s=60)
        names = [push.json["name"] for push in agent.pushes]
    assert sorted(names) == sorted(f"task-{number}" for number in range(1, count + 1))
