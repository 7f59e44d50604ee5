"""What is true of every agent's `POST /events` and of its program, whatever the agent does; shown with one of them."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from agents.runtime.app import MAX_BODY_BYTES
from tests.integration.agents.behaviour import agent_process
from tests.integration.agents.deliveries import World
from tests.integration.agents.test_zendesk_agent import TestZendeskAgent as Zendesk

CAREGRAPH = Path(sys.executable).with_name("caregraph")


async def test_a_body_larger_than_any_push_is_refused_before_it_is_read_to_its_end(world: World) -> None:
    async with Zendesk().listening(world) as target:
        response = await target.post(b"x" * (MAX_BODY_BYTES + 1))

    assert response.status_code == 413
    assert str(MAX_BODY_BYTES) in response.json()["error"]


async def test_a_replay_for_another_agent_is_passed_over_and_leaves_no_trace(world: World) -> None:
    agent = Zendesk()
    event = await agent.occasion(world)

    async with agent.listening(world) as target:
        response = await target.deliver(event, attributes={"ce-recipient": "contract"})
        assert response.status_code == 204
        await agent.assert_untouched(world, event)
        assert await world.dead_letters(event.id, "zendesk") == []
        assert (await target.deliver(event, attributes={"ce-recipient": "zendesk"})).status_code == 204

    await agent.assert_done_once(world, event)


async def test_while_the_issuers_keys_cannot_be_had_pubsub_is_asked_to_come_again(world: World) -> None:
    event = await Zendesk().occasion(world)

    async with Zendesk().listening(world, service_jwks_url="http://127.0.0.1:1/certs") as target:
        response = await target.deliver(event)

    assert response.status_code == 503


async def test_while_its_own_token_cannot_be_had_the_event_waits(world: World) -> None:
    event = await Zendesk().occasion(world)

    async with Zendesk().listening(world, id_token_url="http://127.0.0.1:1/identity") as target:
        response = await target.deliver(event)

    assert response.status_code == 503
    await Zendesk().assert_untouched(world, event)


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/events", 405), ("POST", "/", 404)])
async def test_there_is_nothing_else_to_call(world: World, method: str, path: str, status: int) -> None:
    async with Zendesk().listening(world) as target:
        response = await world.client.request(method, f"{target.url}{path}")

    assert response.status_code == status


async def test_told_to_stop_it_finishes_what_it_has_at_hand(world: World, tmp_path: Path) -> None:
    agent = Zendesk()
    event = await agent.occasion(world)

    async with agent_process(agent, world, tmp_path) as (process, target):
        since = max((one["seq"] for one in await world.received("zendesk")), default=0)
        await world.misbehave("zendesk", delay_s=0.5, path=agent.call_path)
        delivery = asyncio.create_task(target.deliver(event))
        await agent.until_called(world, since)
        process.send_signal(signal.SIGTERM)
        response = await delivery
        code = await asyncio.to_thread(process.wait, 10)

    assert response.status_code == 204
    assert code in (0, -signal.SIGTERM)
    await agent.assert_done_once(world, event)


async def test_its_log_lines_are_json_and_name_the_event_but_no_person(world: World, tmp_path: Path) -> None:
    agent = Zendesk()
    customer_id = await world.customer(first_name="Unmistakable", email="unmistakable@example.com")
    event = await world.event("customer.inserted", customer_id)

    async with agent_process(agent, world, tmp_path) as (_, target):
        assert (await target.deliver(event)).status_code == 204
        assert (await target.deliver(event.with_data({"wrong": "unmistakable@example.com"}))).status_code == 204

    log = (tmp_path / "log").read_text()
    assert str(event.id) in log
    assert event.trace_id in log
    assert "nmistakable" not in log
    assert {line[0] for line in log.splitlines()} == {"{"}


def test_an_agent_that_does_not_exist_is_named_with_those_that_do() -> None:
    ended = _caregraph("agent", "pharmacist")

    assert ended.returncode == 2
    assert "pharmacist" in ended.stderr
    assert "zendesk" in ended.stderr


def test_without_its_settings_it_says_in_one_line_which_are_missing() -> None:
    ended = _caregraph("agent", "zendesk")

    assert ended.returncode == 2
    (line,) = ended.stderr.strip().splitlines()
    for variable in ("CAREGRAPH_GRAPHQL_URL", "CAREGRAPH_PUSH_AUDIENCE", "ZENDESK_API_TOKEN"):
        assert f"{variable} is missing" in line


def _caregraph(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "CAREGRAPH_ENVIRONMENT": "development", "COLUMNS": "200"}
    return subprocess.run(
        [CAREGRAPH, *arguments], env=environment, capture_output=True, text=True, timeout=30, check=False
    )
