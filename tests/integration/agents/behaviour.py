"""How every agent behaves. Each agent's tests inherit `AgentBehaviour` and say what its occasion and effects are."""

import asyncio
import os
import re
import signal
import subprocess
import sys
import uuid
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import httpx
import pytest
from starlette.applications import Starlette

from agents.runtime.settings import RuntimeSettings
from tests.integration.agents.deliveries import Event, Target, World, all_of
from tests.integration.agents.serving import serving

#: Clients of outside systems that don't wait long and never leave a stand-in alone.
QUICK: Mapping[str, Any] = {
    "attempts": 2,
    "retry_wait": timedelta(milliseconds=5),
    "circuit_failures": 1000,
    "retry_reserve": 1000,
}


class AgentBehaviour(ABC):
    """One behaviour suite for all agents."""

    #: The agent's name.
    agent: ClassVar[str]
    #: The stand-in it works with, and the path (a regular expression) of its calls there.
    outside: ClassVar[str]
    call_path: ClassVar[str]
    #: The path of the POST that has the effect, where others have that path as well.
    effect_path: ClassVar[str] = ""

    @abstractmethod
    def create_app(self, world: World, runtime: RuntimeSettings) -> Starlette:
        """The agent's application, with outside clients that are `QUICK`."""

    @abstractmethod
    def outside_environment(self, world: World) -> dict[str, str]:
        """The environment variables of the outside system, for the agent as a process."""

    @abstractmethod
    async def occasion(self, world: World) -> Event:
        """Rows of a new customer, and the event about them that this agent acts on."""

    @abstractmethod
    async def effects(self, world: World, event: Event) -> list[Any]:
        """What there is outside because of the event: one thing each time it was done."""

    @abstractmethod
    async def written(self, world: World, event: Event) -> list[Any]:
        """What there is in the database because of the event, inbox and deliveries aside: the same, once or never."""

    @asynccontextmanager
    async def listening(self, world: World, **settings: Any) -> AsyncIterator[Target]:
        """The agent, served in this process."""

        def build(url: str) -> Starlette:
            return self.create_app(world, world.surroundings.runtime_settings(self.agent, url, **settings))

        async with serving(build) as url:
            yield Target(url=url, client=world.client, token=await world.surroundings.push_token(url))

    async def deliver_until_done(self, target: Target, event: Event, *, within_s: float = 10) -> None:
        """Deliver as Pub/Sub does: again until it is acknowledged."""
        async with asyncio.timeout(within_s):
            # Pub/Sub waits between deliveries, too; there is nothing here to be told by.
            while (await target.deliver(event)).status_code != 204:  # noqa: ASYNC110
                await asyncio.sleep(0.1)

    async def assert_done_once(self, world: World, event: Event) -> None:
        assert len(await self.effects(world, event)) == 1
        assert len(await self.written(world, event)) == 1
        assert await world.in_inbox(event, self.agent)
        outcomes = [row["outcome"] for row in await world.deliveries(event, self.agent)]
        assert outcomes.count("done") == 1

    async def assert_untouched(self, world: World, event: Event) -> None:
        assert await self.effects(world, event) == []
        assert await self.written(world, event) == []
        assert not await world.in_inbox(event, self.agent)

    async def test_an_event_has_its_effect_and_its_record(self, world: World) -> None:
        event = await self.occasion(world)

        async with self.listening(world) as target:
            response = await target.deliver(event)

        assert (response.status_code, response.content) == (204, b"")
        await self.assert_done_once(world, event)
        (delivery,) = await world.deliveries(event, self.agent)
        assert (delivery["attempt"], delivery["error"]) == (1, None)
        assert delivery["started_at"] <= delivery["finished_at"]
        assert delivery["effects"]
        for effect in delivery["effects"]:
            assert {"system", "action", "id", "at", "ms"} <= set(effect)
        assert any(effect["system"] == self.outside and effect["id"] for effect in delivery["effects"])

    async def test_delivered_twice_it_happens_once_and_nobody_outside_is_called_again(self, world: World) -> None:
        event = await self.occasion(world)

        async with self.listening(world) as target:
            first = await target.deliver(event)
            calls = len(await world.received(self.outside))
            second = await target.deliver(event)
            calls_after = len(await world.received(self.outside))

        assert (first.status_code, second.status_code) == (204, 204)
        assert calls_after == calls
        await self.assert_done_once(world, event)
        assert [row["outcome"] for row in await world.deliveries(event, self.agent)] == ["done", "duplicate"]

    async def test_delivered_twice_at_once_it_happens_once(self, world: World) -> None:
        event = await self.occasion(world)

        async with self.listening(world) as target:
            statuses = await all_of(*(target.deliver(event) for _ in range(3)))

        assert statuses == [204, 204, 204]
        await self.assert_done_once(world, event)

    async def test_delivered_to_two_processes_at_once_it_happens_once(self, world: World) -> None:
        event = await self.occasion(world)

        async with self.listening(world) as one, self.listening(world) as other:
            statuses = await all_of(one.deliver(event), other.deliver(event))
            # Who lost the race may have been told to come again.
            await self.deliver_until_done(one, event)

        assert set(statuses) <= {204, 503}
        await self.assert_done_once(world, event)

    async def test_after_a_restart_it_is_still_done(self, world: World) -> None:
        event = await self.occasion(world)
        async with self.listening(world) as target:
            await target.deliver(event)

        async with self.listening(world) as target:
            assert (await target.deliver(event, attempt=2)).status_code == 204

        await self.assert_done_once(world, event)

    async def test_while_the_outside_system_is_down_the_event_waits(self, world: World) -> None:
        event = await self.occasion(world)

        async with self.listening(world) as target:
            await world.misbehave(self.outside, status=503, times=2, path=self.call_path)
            refused = await target.deliver(event)
            before = [row["outcome"] for row in await world.deliveries(event, self.agent)]
            await world.behave(self.outside)
            done = await target.deliver(event)

        assert refused.status_code == 503
        assert before == ["retry"]
        assert done.status_code == 204
        await self.assert_done_once(world, event)
        assert [row["attempt"] for row in await world.deliveries(event, self.agent)] == [1, 2]

    @pytest.mark.parametrize("fault", [{"status": 500}, {"drop": True}])
    async def test_an_answer_lost_after_the_work_was_done_repeats_nothing(
        self, world: World, fault: dict[str, Any]
    ) -> None:
        event = await self.occasion(world)

        async with self.listening(world) as target:
            await world.misbehave(self.outside, **fault, after_work=True, times=2, path=self.call_path)
            await target.deliver(event)
            await world.behave(self.outside)
            await self.deliver_until_done(target, event)

        await self.assert_done_once(world, event)

    async def test_a_slow_outside_system_ends_the_attempt_and_not_the_event(self, world: World) -> None:
        event = await self.occasion(world)

        async with self.listening(world, time_out=timedelta(seconds=0.5)) as target:
            await world.misbehave(self.outside, delay_s=2, path=self.call_path)
            slow = await target.deliver(event)
        async with self.listening(world) as target:
            await self.deliver_until_done(target, event)

        assert slow.status_code == 500
        await self.assert_done_once(world, event)
        first = (await world.deliveries(event, self.agent))[0]
        assert (first["outcome"], first["error"]) == ("retry", "handler: no end within 0.5 s")

    async def test_killed_between_outside_call_and_write_back_it_happens_once(
        self, world: World, tmp_path: Path
    ) -> None:
        event = await self.occasion(world)
        async with agent_process(self, world, tmp_path) as (process, target):
            since = max((one["seq"] for one in await world.received(self.outside)), default=0)
            # The work is done at once, its answer comes when nobody is there any more.
            await world.misbehave(self.outside, delay_s=15, **self.effect)
            delivery = asyncio.create_task(target.deliver(event))
            await self.until_called(world, since)
            process.send_signal(signal.SIGKILL)
            with pytest.raises(httpx.TransportError):
                await delivery
        assert not await world.in_inbox(event, self.agent)

        async with self.listening(world) as target:
            await self.deliver_until_done(target, event)

        await self.assert_done_once(world, event)

    @pytest.mark.parametrize("case", ["none", "garbage", "unsigned", "other audience", "other account"])
    async def test_without_the_right_token_nothing_is_even_read(self, world: World, case: str) -> None:
        event = await self.occasion(world)

        async with self.listening(world) as target:
            other_account = "someone@caregraph-local.iam.gserviceaccount.com"
            token = {
                "none": None,
                "garbage": "not-a-token",
                "unsigned": target.token.rsplit(".", 1)[0] + ".",
                "other audience": await world.surroundings.push_token("http://127.0.0.1:9"),
                "other account": await world.surroundings.push_token(target.url, account=other_account),
            }[case]
            response = await target.post(event.push(), token=token)
            malformed = await target.post(b"not json", token=token)

        assert (response.status_code, malformed.status_code) == (401, 401)
        assert response.headers["www-authenticate"] == "Bearer"
        assert response.json()["error"]
        await self.assert_untouched(world, event)
        assert await world.deliveries(event, self.agent) == []

    async def test_a_body_that_is_no_push_is_refused_with_a_reason(self, world: World) -> None:
        async with self.listening(world) as target:
            responses = [await target.post(body) for body in (b"", b"{}", b"[]", b"\xff", b'{"message": 1}')]

        assert {response.status_code for response in responses} == {400}
        assert all(response.json()["error"] for response in responses)

    async def test_an_event_without_our_attributes_is_kept_as_a_dead_letter(self, world: World) -> None:
        event = await self.occasion(world)

        async with self.listening(world) as target:
            response = await target.post(event.push(attributes={"ce-specversion": None, "ce-time": "soon"}))

        assert response.status_code == 204
        await self.assert_untouched(world, event)
        (letter,) = await world.dead_letters(event.id, self.agent)
        assert "attribute ce-specversion is missing" in letter["reason"]
        assert "ce-time" in letter["reason"]

    async def test_data_that_does_not_fit_is_kept_as_a_dead_letter_and_can_be_replayed(self, world: World) -> None:
        event = await self.occasion(world)

        async with self.listening(world) as target:
            response = await target.deliver(event.with_data({"wrong": True}))
            letters = await world.dead_letters(event.id, self.agent)
            await self.assert_untouched(world, event)
            replayed = await target.deliver(event)

        assert (response.status_code, replayed.status_code) == (204, 204)
        assert [letter["reason"].startswith(f"{event.type}: ") for letter in letters] == [True]
        await self.assert_done_once(world, event)

    async def test_a_type_it_has_no_handler_for_is_acknowledged_and_forgotten(self, world: World) -> None:
        event = await self.occasion(world)

        async with self.listening(world) as target:
            response = await target.post(event.push(attributes={"ce-type": "weather.changed"}))

        assert response.status_code == 204
        await self.assert_untouched(world, event)
        assert await world.deliveries(event, self.agent) == []

    async def test_the_trace_of_the_event_reaches_outside(self, world: World) -> None:
        event = await self.occasion(world)

        async with self.listening(world) as target:
            await target.deliver(event)

        traces = {
            one["traceparent"].split("-")[1]
            for one in await world.received(self.outside)
            if one["traceparent"] is not None
        }
        assert event.trace_id in traces

    async def test_it_says_whether_it_is_alive_and_ready_and_counts(self, world: World) -> None:
        event = await self.occasion(world)

        async with self.listening(world) as target:
            await target.deliver(event)
            health = await world.client.get(f"{target.url}/healthz")
            ready = await world.client.get(f"{target.url}/readyz")
            metrics = await world.client.get(f"{target.url}/metrics")

        assert (health.status_code, ready.status_code) == (200, 200)
        assert ready.json()["checks"] == {"endpoint": "ok"}
        assert f'caregraph_agent_events_total{{agent="{self.agent}",end="done",type="{event.type}"}}' in metrics.text

    async def test_without_the_endpoint_it_is_alive_but_not_ready(self, world: World) -> None:
        event = await self.occasion(world)

        async with self.listening(world, graphql_url="http://127.0.0.1:1/v1/graphql") as target:
            health = await world.client.get(f"{target.url}/healthz")
            ready = await world.client.get(f"{target.url}/readyz")
            response = await target.deliver(event)

        assert (health.status_code, ready.status_code, response.status_code) == (200, 503, 503)
        await self.assert_untouched(world, event)

    @property
    def effect(self) -> dict[str, str]:
        """Which call has the effect, as a fault of the stand-in names it."""
        return {"method": "POST", "path": self.effect_path or self.call_path}

    async def until_called(self, world: World, since: int) -> None:
        """Return when the stand-in has received the call that has the effect, after request number `since`."""
        method, path = self.effect["method"], self.effect["path"]
        async with asyncio.timeout(20):
            while True:
                calls = await world.received(self.outside, since=since, at_least=1, wait_s=10)
                if any(call["method"] == method and re.search(path, call["path"]) for call in calls):
                    return
                since = max((call["seq"] for call in calls), default=since)

    def environment(self, world: World, url: str) -> dict[str, str]:
        """All environment variables of the agent as a process that listens at `url`."""
        given = world.surroundings.runtime_environment(self.agent, url)
        fields = RuntimeSettings.model_fields
        return {
            "PATH": os.environ["PATH"],
            "CAREGRAPH_ENVIRONMENT": "development",
            "CAREGRAPH_LOG_FORMAT": "json",
            **{str(fields[name].validation_alias): value for name, value in given.items()},
            **self.outside_environment(world),
        }


@asynccontextmanager
async def agent_process(
    behaviour: AgentBehaviour, world: World, folder: Path
) -> AsyncIterator[tuple[subprocess.Popen[bytes], Target]]:
    """The agent as `caregraph agent` runs it, ready; killed at the end. Its output goes to the file `log`."""
    port = await free_port()
    url = f"http://127.0.0.1:{port}"
    token = await world.surroundings.push_token(url)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(  # noqa: ASYNC220 - started at once; what takes time is awaited below
            [Path(sys.executable).with_name("caregraph"), "agent", behaviour.agent, "--port", str(port)],
            env=behaviour.environment(world, url),
            stdout=log,
            stderr=log,
        )
        try:
            await until_ready(world.client, url, process)
            yield process, Target(url=url, client=world.client, token=token)
        finally:
            process.kill()
            await asyncio.to_thread(process.wait, 10)


async def free_port() -> int:
    """A port that nobody listens on at this moment."""
    server = await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", 0)
    port: int = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    return port


async def until_ready(client: httpx.AsyncClient, url: str, process: subprocess.Popen[bytes]) -> None:
    """Return when the program answers that it is ready; fail when it has ended.

    Starting takes a second of a processor, which may have ten others waiting for it.
    """
    async with asyncio.timeout(60):
        while True:
            assert process.poll() is None, f"the agent ended with {process.returncode}"
            try:
                if (await client.get(f"{url}/readyz")).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.05)


def unique() -> str:
    """A word that nothing else has."""
    return uuid.uuid4().hex
