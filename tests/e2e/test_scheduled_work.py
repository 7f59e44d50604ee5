"""A renewal that is due, from its row through Cloud Tasks to the agent and its effects; and an agent's cron job."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from local.environment import CRON_SERVICE_ACCOUNT
from tests.e2e.outside import View
from tests.e2e.platform import RunningPlatform

FIND = """
    query {
      contract(where: {status: {_eq: "active"}, auto_renew: {_eq: true}, subscription: {status: {_eq: "active"}},
                       treatment: {has_upfront_payment_option: {_eq: false}}}, order_by: {end_date: desc}, limit: 20) {
        id
      }
    }
"""
PLAN = """
    mutation ($name: String!, $payload: jsonb!, $due_at: timestamptz!) {
      insert_events_scheduled_task_one(
        object: {name: $name, kind: "contract.renewal", target: "contract", payload: $payload, due_at: $due_at}
        on_conflict: {constraint: scheduled_task_name_key, update_columns: [due_at]}
      ) { id }
    }
"""
LOOK = """
    query ($id: uuid!, $name: String!, $subject: String!) {
      contract_by_pk(id: $id) { status }
      contract(where: {renewed_from_id: {_eq: $id}}) { status }
      events_scheduled_task(where: {name: {_eq: $name}}) { status last_error generation cloud_task }
      events_outbox(where: {type: {_eq: "contract.renewed"}, subject: {_eq: $subject}}) { id }
    }
"""
RUNS = """
    query ($due_at: timestamptz!) {
      events_cron_run(where: {job: {_eq: "chargebee-etl"}, due_at: {_eq: $due_at}}) { outcome result error }
    }
"""


@pytest.fixture
def view(platform: RunningPlatform) -> Iterator[View]:
    with httpx.Client(timeout=30, trust_env=False) as client:
        yield View.of(platform, client)


def test_a_renewal_that_falls_due_is_carried_out_once(view: View, platform: RunningPlatform) -> None:
    contract_id = view.ask(FIND)["contract"][-1]["id"]
    name = f"contract-renewal-{contract_id}"
    view.ask(PLAN, name=name, payload={"contract_id": contract_id}, due_at="2026-01-01T00:00:00Z")

    def look() -> dict[str, object]:
        found: dict[str, object] = view.ask(LOOK, id=contract_id, name=name, subject=contract_id)
        return found

    def done() -> bool:
        tasks = look()["events_scheduled_task"]
        return isinstance(tasks, list) and tasks[0]["status"] == "done"

    platform.wait_until(done, within_s=30)
    found = look()
    assert found["contract_by_pk"] == {"status": "renewed"}
    assert found["contract"] == [{"status": "active"}]
    assert isinstance(found["events_outbox"], list)
    assert len(found["events_outbox"]) == 1


def test_a_job_of_an_agent_is_run_by_the_scheduler_and_recorded(view: View, platform: RunningPlatform) -> None:
    scheduler = platform.layout.url("scheduler")
    token = view.client.get(
        f"{platform.layout.url('identity')}/computeMetadata/v1/instance/service-accounts/{CRON_SERVICE_ACCOUNT}/identity",
        params={"audience": scheduler, "format": "full"},
        headers={"metadata-flavor": "Google"},
    ).text
    # A time of its own, so that the clock's own calls are other runs.
    due_at = datetime.now(UTC) - timedelta(days=30)

    def call() -> httpx.Response:
        headers = {"authorization": f"Bearer {token}", "x-cloudscheduler-scheduletime": due_at.isoformat()}
        return view.client.post(f"{scheduler}/jobs/chargebee-etl", headers=headers)

    answers: list[httpx.Response] = []

    def has_run() -> bool:
        # 409 while the clock's own call is under way.
        answers.append(call())
        return answers[-1].status_code != 409

    platform.wait_until(has_run, within_s=60)
    assert (answers[-1].status_code, answers[-1].json()) == (200, {"outcome": "done"})
    assert call().json() == {"outcome": "repeated"}
    (run,) = view.ask(RUNS, due_at=due_at.isoformat())["events_cron_run"]
    assert run["outcome"] == "done"
    assert run["result"]
