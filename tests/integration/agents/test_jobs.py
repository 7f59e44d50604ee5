"""Jobs at an agent's door: for the scheduler alone, one run at a time, and an answer that says how it ended."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import asyncpg
import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from agents.graphql.client import GraphQLClient
from agents.runtime.app import build_app
from agents.runtime.errors import Rejected, RetryLater
from agents.runtime.handler import Handlers
from agents.runtime.jobs import Job, JobResult, JobRun
from local.layout import PROJECT
from tests.integration.agents.deliveries import World
from tests.integration.agents.serving import serving
from triggers.scheduler.cron import CronJob
from triggers.scheduler.jobs import RunOutcome, run_job
from triggers.scheduler.service import Scheduler
from triggers.scheduler.settings import SchedulerSettings

ACCOUNT = f"scheduler@{PROJECT}.iam.gserviceaccount.com"
GRACE = timedelta(milliseconds=50)
DUE = datetime(2026, 3, 1, 2, 15, tzinfo=UTC)
IMPORT = CronJob(name="of-tests", schedule="* * * * *", purpose="Tests.", agent="zendesk", agent_job="import")


@dataclass(kw_only=True)
class Importer:
    """A job that does as it is told and remembers its runs."""

    act: Callable[[], Awaitable[JobResult]]
    runs: list[JobRun] = field(default_factory=list)
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    cancelled: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, run: JobRun) -> JobResult:
        self.runs.append(run)
        self.begun.set()
        try:
            return await self.act()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise


@dataclass(frozen=True, kw_only=True)
class Door:
    """An agent's `POST /jobs/NAME`."""

    url: str
    client: httpx.AsyncClient
    token: str

    async def call(self, name: str = "import", *, token: str | None = None, due_at: str = "") -> httpx.Response:
        headers = {"authorization": f"Bearer {token or self.token}"}
        if due_at:
            headers["x-cloudscheduler-scheduletime"] = due_at
        return await self.client.post(f"{self.url}/jobs/{name}", headers=headers)


@asynccontextmanager
async def listening(
    world: World, importer: Importer, *, account: str | None = ACCOUNT, time_out_s: float = 30
) -> AsyncIterator[Door]:
    @asynccontextmanager
    async def open_handlers(_: GraphQLClient) -> AsyncIterator[Handlers]:
        yield Handlers([], jobs=[Job(name="import", run=importer, time_out=timedelta(seconds=time_out_s))])

    def build(url: str) -> Starlette:
        settings = world.surroundings.runtime_settings("zendesk", url, jobs_service_account=account, stop_grace=GRACE)
        return build_app(name="zendesk", settings=settings, open_handlers=open_handlers)

    async with serving(build) as url:
        yield Door(url=url, client=world.client, token=await world.surroundings.push_token(url, account=ACCOUNT))


def returning(**result: int) -> Importer:
    async def act() -> JobResult:
        return result

    return Importer(act=act)


def raising(error: Exception) -> Importer:
    async def act() -> JobResult:
        raise error

    return Importer(act=act)


def waiting() -> tuple[Importer, asyncio.Event]:
    end = asyncio.Event()

    async def act() -> JobResult:
        await end.wait()
        return {}

    return Importer(act=act), end


async def test_a_job_is_told_its_time_and_its_result_is_the_answer(world: World) -> None:
    importer = returning(invoices=3)
    async with listening(world, importer) as door:
        answer = await door.call(due_at=DUE.isoformat())
    assert (answer.status_code, answer.json()) == (200, {"invoices": 3})
    assert importer.runs == [JobRun(job="import", due_at=DUE)]


async def test_only_the_scheduler_may_ask_for_a_run(world: World) -> None:
    importer = returning()
    async with listening(world, importer) as door:
        assert (await door.call(token=await world.surroundings.push_token(door.url))).status_code == 401
        assert (await door.call(token="nonsense")).status_code == 401
    async with listening(world, importer, account=None) as door:
        answer = await door.call()
        assert (answer.status_code, "CAREGRAPH_JOBS_SERVICE_ACCOUNT" in answer.json()["error"]) == (404, True)
    assert importer.runs == []


async def test_a_job_that_the_agent_does_not_have_is_named_with_those_it_has(world: World) -> None:
    async with listening(world, returning()) as door:
        answer = await door.call("export")
        assert (answer.status_code, "export" in answer.json()["error"]) == (404, True)
        assert "import" in answer.json()["error"]
        assert (await door.call(due_at="tomorrow")).status_code == 400


async def test_a_second_run_is_refused_while_one_is_under_way(world: World) -> None:
    importer, end = waiting()
    async with listening(world, importer) as door:
        first = asyncio.create_task(door.call())
        await asyncio.wait_for(importer.begun.wait(), 5)
        assert (await door.call()).status_code == 409
        end.set()
        assert (await first).status_code == 200
        assert (await door.call()).status_code == 200
    assert len(importer.runs) == 2


@pytest.mark.parametrize(
    ("error", "status", "told"),
    [
        (RetryLater("Chargebee is down", after=timedelta(seconds=7)), 503, "Chargebee is down"),
        (Rejected("no such site"), 422, "no such site"),
        (ZeroDivisionError("of ada@example.com"), 500, "unexpected ZeroDivisionError"),
    ],
)
async def test_a_failure_says_whose_it_is_and_nothing_personal(
    world: World, error: Exception, status: int, told: str
) -> None:
    async with listening(world, raising(error)) as door:
        answer = await door.call()
        again = await door.call()
    assert (answer.status_code, answer.json()) == (status, {"error": told})
    assert answer.headers.get("retry-after") == ("7" if status == 503 else None)
    # A failed run doesn't stand in the next one's way.
    assert again.status_code == status


async def test_a_run_without_end_is_ended(world: World) -> None:
    importer, _ = waiting()
    async with listening(world, importer, time_out_s=0.2) as door:
        answer = await door.call()
    assert (answer.status_code, answer.json()["error"]) == (504, "import: no end within 0.2 s")
    assert importer.cancelled.is_set()


async def test_a_run_that_does_not_stop_when_told_to_blocks_nothing(world: World) -> None:
    let_go = asyncio.Event()

    async def act() -> JobResult:
        while not let_go.is_set():
            try:
                await let_go.wait()
            except asyncio.CancelledError:
                continue
        return {}

    importer = Importer(act=act)
    async with listening(world, importer, time_out_s=0.1) as door:
        answer = await asyncio.wait_for(door.call(), 10)
        importer.act = returning(invoices=3).act
        after = await door.call()
        metrics = await world.client.get(f"{door.url}/metrics")
        let_go.set()
    assert (answer.status_code, answer.json()["error"]) == (504, "import: no end within 0.1 s")
    assert (after.status_code, after.json()) == (200, {"invoices": 3})
    assert 'caregraph_agent_abandoned{agent="zendesk"} 1.0' in metrics.text


async def test_a_run_ends_when_its_caller_hangs_up(world: World) -> None:
    importer, end = waiting()
    async with listening(world, importer) as door:
        calling = asyncio.create_task(door.call())
        await asyncio.wait_for(importer.begun.wait(), 5)
        calling.cancel()
        await asyncio.wait_for(importer.cancelled.wait(), 5)
        end.set()
        assert (await door.call()).status_code == 200


def scheduler_settings(world: World, database_url: str, agent_url: str) -> SchedulerSettings:
    return SchedulerSettings(
        database_url=database_url,
        queue="projects/p/locations/l/queues/q",
        tasks_service_account=ACCOUNT,
        agent_urls={"zendesk": agent_url},
        cron_service_account=ACCOUNT,
        audience="http://127.0.0.1:9",
        service_jwks_url="http://127.0.0.1:9/certs",
        id_token_url=f"{world.surroundings.identity}/computeMetadata/v1/instance/service-accounts/{ACCOUNT}/identity",
    )


async def test_the_scheduler_asks_the_agent_and_records_what_came_of_it(world: World, database_url: str) -> None:
    importer = returning(invoices=3)
    async with listening(world, importer) as door:
        settings = scheduler_settings(world, database_url, door.url)
        ask = Scheduler(settings, world.client).ask_agent
        done = await run_job(IMPORT, due_at=DUE, database_url=database_url, ask_agent=ask)
        importer.act = raising(Rejected("no such site")).act
        later = DUE + timedelta(minutes=1)
        failed = await run_job(IMPORT, due_at=later, database_url=database_url, ask_agent=ask)
    assert (done, failed) == (RunOutcome.DONE, RunOutcome.FAILED)
    assert [run.due_at for run in importer.runs] == [DUE, later]
    database = await asyncpg.connect(database_url)
    first, second = await database.fetch("SELECT outcome, result, error FROM events.cron_run ORDER BY due_at")
    await database.close()
    assert (first["outcome"], json.loads(first["result"]), first["error"]) == ("done", {"invoices": 3}, None)
    assert second["outcome"] == "failed"
    assert second["error"].endswith("/jobs/import answered 422: no such site")


@pytest.mark.parametrize(
    ("status", "body", "outcome", "told"),
    [
        (200, b"not json", RunOutcome.DONE, None),
        (200, b"[1]", RunOutcome.DONE, None),
        (502, b"<html>", RunOutcome.FAILED, "/jobs/import answered 502"),
        (502, b"[]", RunOutcome.FAILED, "/jobs/import answered 502"),
    ],
)
async def test_an_answer_that_no_agent_gave_ends_the_run_all_the_same(
    world: World, database_url: str, status: int, body: bytes, outcome: RunOutcome, told: str | None
) -> None:
    async def answer(_: Request) -> Response:
        return Response(body, status, media_type="application/json")

    async with serving(lambda _: Starlette(routes=[Route("/jobs/import", answer, methods=["POST"])])) as url:
        settings = scheduler_settings(world, database_url, url)
        ask = Scheduler(settings, world.client).ask_agent
        assert await run_job(IMPORT, due_at=DUE, database_url=database_url, ask_agent=ask) is outcome
    database = await asyncpg.connect(database_url)
    run = await database.fetchrow("SELECT outcome, result, error FROM events.cron_run")
    await database.close()
    assert run is not None
    assert (run["outcome"], run["result"]) == (outcome, None)
    assert run["error"] == (told and url + told)
