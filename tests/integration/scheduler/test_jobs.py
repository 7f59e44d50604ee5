"""Cron jobs: recorded, one run at a time, once for each time that they were due."""

import asyncio
import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from cronsim import CronSim
from typer.testing import CliRunner

from server.cli.main import app
from tests.integration.triggers.records import Records, mark_published
from triggers.history import Filter, get_event, get_story, list_events
from triggers.replay import Selection, measure, replay
from triggers.scheduler.cron import CRON_JOBS, CronJob, find_job
from triggers.scheduler.jobs import JobFailed, RunOutcome, run_job

DUE = datetime(2026, 3, 1, 2, 15, tzinfo=UTC)
BY_AGENT = CronJob(name="by-agent", schedule="* * * * *", purpose="Tests.", agent="chargebee")


async def nobody(_: CronJob, __: datetime) -> str | None:
    raise JobFailed("nobody is there")


async def run(name: str, database_url: str, *, due_at: datetime = DUE) -> RunOutcome:
    job = find_job(name)
    assert job is not None
    return await run_job(job, due_at=due_at, database_url=database_url, ask_agent=nobody)


async def runs(connection: asyncpg.Connection) -> list[dict[str, Any]]:
    return [dict(row) for row in await connection.fetch("SELECT * FROM events.cron_run ORDER BY due_at")]


async def active(records: Records, end_date: date) -> str:
    contract_id = await records.insert_contract()
    await records.connection.execute(
        "UPDATE contract SET status = 'active', start_date = $2, end_date = $3 WHERE id = $1",
        contract_id,
        end_date - timedelta(days=180),
        end_date,
    )
    return f"contract-renewal-{contract_id}"


def test_every_job_has_a_schedule_that_can_be_read_and_someone_who_does_it() -> None:
    for job in CRON_JOBS:
        assert next(CronSim(job.schedule, DUE))
        assert (job.statement is None) != (job.agent is None)
    assert len({job.name for job in CRON_JOBS}) == len(CRON_JOBS)


async def test_the_renewal_check_plans_what_is_missing_or_failed(records: Records, database_url: str) -> None:
    today = datetime.now(UTC).date()
    missing = await active(records, today + timedelta(days=1))
    overdue = await active(records, today - timedelta(days=3))
    await active(records, today + timedelta(days=40))
    failed, done = [await active(records, today + timedelta(days=1)) for _ in range(2)]
    for name, status in ((failed, "failed"), (done, "done")):
        await records.connection.execute(
            "INSERT INTO events.scheduled_task (name, kind, target, due_at, status)"
            " VALUES ($1, 'contract.renewal', 'contract', now(), $2)",
            name,
            status,
        )
    assert await run("renewal-check", database_url) is RunOutcome.DONE
    rows = await records.connection.fetch("SELECT name, status, due_at FROM events.scheduled_task")
    found = {row["name"]: row["status"] for row in rows}
    assert found == {missing: "scheduled", overdue: "scheduled", failed: "scheduled", done: "done"}
    due = {row["name"]: row["due_at"] for row in rows}
    assert due[missing] == datetime(today.year, today.month, today.day, tzinfo=UTC)
    (record,) = await runs(records.connection)
    assert (record["outcome"], json.loads(record["result"])) == ("done", {"planned": 2, "planned_again": 1})
    assert await run("renewal-check", database_url, due_at=DUE + timedelta(days=1)) is RunOutcome.DONE
    assert json.loads((await runs(records.connection))[1]["result"]) == {"planned": 0, "planned_again": 0}


async def test_the_cleanup_archives_what_is_old_and_nothing_that_is_owed(records: Records, database_url: str) -> None:
    for _ in range(4):
        await records.insert_contract()
    await records.connection.execute("UPDATE events.outbox SET created_at = now() - interval '100 days'")
    await mark_published(records.connection, [row["id"] for row in (await records.outbox())[:2]])
    first, second, third, _ = await records.outbox()
    await records.connection.execute(
        "INSERT INTO events.dead_letter (event_id, agent, reason, event) VALUES ($1, 'zendesk', 'no', '{}')",
        second["id"],
    )
    assert await run("data-cleanup", database_url) is RunOutcome.DONE
    left = [row["id"] for row in await records.outbox()]
    assert first["id"] not in left
    assert {second["id"], third["id"]} <= set(left)
    assert json.loads((await runs(records.connection))[0]["result"])["archived"] == 1
    (archived,) = await records.connection.fetch("SELECT *, data::text AS json FROM events.outbox_archive")
    kept = {name: value for name, value in first.items() if name in archived}
    assert {name: archived[name] for name in kept} == kept
    # It is still an event: the history has it, and it can be sent again under its id.
    event = await get_event(records.connection, first["id"])
    assert (event.subject, event.publications[0].sequence) == (first["subject"], first["sequence"])
    assert (await get_story(records.connection, first["subject"])).events == [event]
    assert first["id"] in {summary.event_id for summary in await list_events(records.connection, Filter(), limit=9)}
    selection = Selection(ids=[first["id"]])
    extent = await measure(records.connection, selection)
    async for _ in replay(records.connection, selection, newest=extent.newest, again=False, rate=100):
        pass
    (copy,) = await records.connection.fetch("SELECT * FROM events.outbox WHERE replay_of = $1", first["id"])
    assert (copy["subject"], copy["data"]) == (first["subject"], first["data"])


async def test_the_cleanup_ends_what_was_archived_long_ago(records: Records, database_url: str) -> None:
    await records.insert_contract()
    (event,) = await records.outbox()
    await records.connection.execute("UPDATE events.outbox SET created_at = now() - interval '3 years'")
    await mark_published(records.connection)
    for due_at in (DUE, DUE + timedelta(days=7)):
        assert await run("data-cleanup", database_url, due_at=due_at) is RunOutcome.DONE
    results = [json.loads(row["result"]) for row in await runs(records.connection)]
    assert [(result["archived"], result["events"]) for result in results] == [(1, 0), (0, 1)]
    assert await records.connection.fetchval("SELECT count(*) FROM events.history WHERE id = $1", event["id"]) == 0


async def test_a_cleanup_of_much_goes_in_pieces(connection: asyncpg.Connection, database_url: str) -> None:
    await connection.execute(
        "INSERT INTO events.inbox (agent, event_id, processed_at)"
        " SELECT 'contract', gen_random_uuid(), now() - interval '4 years' FROM generate_series(1, 10500)"
    )
    assert await run("data-cleanup", database_url) is RunOutcome.DONE
    assert json.loads((await runs(connection))[0]["result"])["inbox"] == 10_500
    assert await connection.fetchval("SELECT count(*) FROM events.inbox") == 0


async def test_a_run_that_was_done_is_not_done_again(connection: asyncpg.Connection, database_url: str) -> None:
    assert await run("renewal-check", database_url) is RunOutcome.DONE
    assert await run("renewal-check", database_url) is RunOutcome.REPEATED
    assert len(await runs(connection)) == 1


async def test_a_job_runs_once_at_a_time(connection: asyncpg.Connection, database_url: str) -> None:
    began, end = asyncio.Event(), asyncio.Event()

    async def slow(_: CronJob, __: datetime) -> str | None:
        began.set()
        await end.wait()
        return '{"rows": 1}'

    first = asyncio.create_task(run_job(BY_AGENT, due_at=DUE, database_url=database_url, ask_agent=slow))
    await asyncio.wait_for(began.wait(), 5)
    later = DUE + timedelta(minutes=1)
    assert await run_job(BY_AGENT, due_at=later, database_url=database_url, ask_agent=nobody) is RunOutcome.BUSY
    end.set()
    assert await first is RunOutcome.DONE
    (record,) = await runs(connection)
    assert (record["outcome"], json.loads(record["result"])) == ("done", {"rows": 1})


async def test_a_failed_run_says_why_and_may_be_tried_again(connection: asyncpg.Connection, database_url: str) -> None:
    async def works(_: CronJob, __: datetime) -> str | None:
        return None

    assert await run_job(BY_AGENT, due_at=DUE, database_url=database_url, ask_agent=nobody) is RunOutcome.FAILED
    (record,) = await runs(connection)
    assert (record["outcome"], record["error"]) == ("failed", "nobody is there")
    assert await run_job(BY_AGENT, due_at=DUE, database_url=database_url, ask_agent=works) is RunOutcome.DONE
    (record,) = await runs(connection)
    assert (record["outcome"], record["error"]) == ("done", None)


async def test_a_run_whose_program_died_is_abandoned_and_blocks_nothing(
    connection: asyncpg.Connection,
    database_url: str,
) -> None:
    await connection.execute("INSERT INTO events.cron_run (job, due_at) VALUES ('renewal-check', $1)", DUE)
    assert await run("renewal-check", database_url, due_at=DUE + timedelta(days=1)) is RunOutcome.DONE
    assert [record["outcome"] for record in await runs(connection)] == ["abandoned", "done"]


async def test_the_command_tells_how_every_job_fares(
    connection: asyncpg.Connection, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CAREGRAPH_ENVIRONMENT", "development")
    now = datetime.now(UTC)
    assert await run("renewal-check", database_url, due_at=now) is RunOutcome.DONE
    await connection.execute(
        "INSERT INTO events.cron_run (job, due_at, started_at, outcome, error, finished_at)"
        " VALUES ('chargebee-etl', $1, $1, 'failed', 'Chargebee is down', now()),"
        " ('chargebee-etl', $2, $2, 'done', NULL, now()),"
        # Of a clock that was set back since.
        " ('chargebee-etl', $3, $2, 'done', NULL, now())",
        now,
        now - timedelta(minutes=1),
        now + timedelta(days=40),
    )

    async def jobs(*options: str) -> str:
        # In a thread, because the command has an event loop of its own.
        done = await asyncio.to_thread(CliRunner().invoke, app, ["jobs", "--database-url", database_url, *options])
        return done.stdout

    told = json.loads(await jobs("--json"))
    by_name = {job["job"]: job for job in told}
    assert list(by_name) == [job.name for job in CRON_JOBS]
    assert (by_name["renewal-check"]["outcome"], by_name["renewal-check"]["result"]["planned"]) == ("done", 0)
    etl = by_name["chargebee-etl"]
    assert (etl["outcome"], etl["error"], etl["failed_in_a_day"]) == ("failed", "Chargebee is down", 1)
    assert etl["done_at"] is not None
    assert by_name["data-cleanup"]["outcome"] is None
    text = await jobs()
    assert "Chargebee is down" in text
    assert "never" in text
