"""Every outside system is away for an hour of turned clock: what waited is done when it is back, once, and nothing is
given up.

Pub/Sub is the local one with the subscriptions' own policy, the agents have their own settings, circuit breakers
included; only the clock is ours. Google's longest back-off is tried as well.
"""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest

from agents.registry import AGENTS
from agents.runtime.settings import RuntimeSettings
from integrations import guard
from local.layout import PROJECT
from local.provision import ACK_DEADLINE_S, BACKOFF_S
from local.pubsub import wire
from local.pubsub.broker import Broker
from local.pubsub.journal import Journal
from local.pubsub.push.delivery import Pushers
from local.pubsub.push.token import TokenSource
from local.pubsub.subscription import Subscription
from tests.integration.agents import (
    firebase,
    test_contract_agent,
    test_identity_agent,
    test_notification_agent,
    test_prescription_agent,
    test_zendesk_agent,
)
from tests.integration.agents.behaviour import AgentBehaviour
from tests.integration.agents.deliveries import Event, World
from tests.integration.agents.serving import serving
from tests.integration.agents.surroundings import PUSH_ACCOUNT
from tests.integration.agents.turned_clock import TurnedClock, turned_clock

HOUR_S: Final = 3600.0
#: Pub/Sub's longest and default: https://cloud.google.com/pubsub/docs/handling-failures#exponential_backoff
GOOGLE_BACKOFF_S: Final = (10, 600)
#: An agent for each system.
BEHAVIOURS: Final[Sequence[AgentBehaviour]] = (
    test_contract_agent.TestContractAgent(),
    test_notification_agent.TestNotificationAgent(),
    test_zendesk_agent.TestZendeskAgent(),
    test_prescription_agent.TestPrescriptionAgent(),
    test_identity_agent.TestIdentityAgent(),
)
#: An outage is refusals or silence.
FAULTS: Final = ({"status": 503}, {"drop": True})
#: What a look at the queue takes of the clock while something is at hand: waits within a delivery pass as well.
_TICK_S: Final = 0.05
_LOOK_S: Final = 0.005


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One agent's subscription, and what it is to do."""

    behaviour: AgentBehaviour
    subscription: Subscription

    def publish(self, event: Event) -> None:
        """As the relay does."""
        message = json.loads(event.push())["message"]
        assert self.subscription.topic is not None
        self.subscription.topic.publish(
            [
                wire.PubsubMessage(
                    data=base64.b64decode(message["data"]),
                    attributes=message["attributes"],
                    ordering_key=message["orderingKey"],
                )
            ]
        )

    @property
    def at_hand(self) -> int:
        """Deliveries under way."""
        return len(self.subscription.leases)

    @property
    def is_empty(self) -> bool:
        """Whether everything was acknowledged."""
        return self.subscription.counts.acknowledged == self.published

    @property
    def published(self) -> int:
        assert self.subscription.topic is not None
        return self.subscription.topic.published_count

    @property
    def next_at(self) -> float | None:
        """When the next delivery is due, on the loop's clock."""
        return None if self.subscription.backlog is None else self.subscription.backlog.next_ready()


@asynccontextmanager
async def opened_lines(world: World, folder: Path, backoff_s: tuple[int, int]) -> AsyncIterator[list[Line]]:
    """The agents with their own settings, behind Pub/Sub."""
    journal = Journal(folder)
    broker = Broker(journal)
    pushers = Pushers(TokenSource(world.surroundings.identity))
    broker.on_change = pushers.update
    async with AsyncExitStack() as stack:
        stack.push_async_callback(journal.close)
        stack.push_async_callback(pushers.close, grace_s=5)
        stack.callback(broker.stop_delivering)
        lines = []
        for behaviour in BEHAVIOURS:
            url = await stack.enter_async_context(serving(partial(_app, behaviour, world)))
            topic = f"projects/{PROJECT}/topics/{behaviour.agent}"
            broker.create_topic(wire.Topic(name=topic))
            wanted = wire.Subscription(
                name=f"projects/{PROJECT}/subscriptions/{behaviour.agent}",
                topic=topic,
                ack_deadline_seconds=ACK_DEADLINE_S,
                enable_message_ordering=True,
            )
            wanted.push_config.push_endpoint = f"{url}/events"
            wanted.push_config.oidc_token.service_account_email = PUSH_ACCOUNT
            wanted.push_config.oidc_token.audience = url
            wanted.retry_policy.minimum_backoff.seconds, wanted.retry_policy.maximum_backoff.seconds = backoff_s
            lines.append(Line(behaviour=behaviour, subscription=broker.create_subscription(wanted)))
        yield lines


def _app(behaviour: AgentBehaviour, world: World, url: str) -> Any:
    """The agent as a program reads it from its environment: no setting is made quick."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in behaviour.environment(world, url).items():
            patch.setenv(name, value)
        return AGENTS[behaviour.agent].load()()


async def pass_time(clock: TurnedClock, lines: Sequence[Line], *, until: float) -> None:
    """Let everything happen that happens until then, by leaps; returns early once nothing waits any more."""
    while clock.now < until and not all(line.is_empty for line in lines):
        waiting = [line for line in lines if not line.is_empty]
        next_at = min((line.next_at or clock.now for line in waiting), default=until)
        # What was just published, or due a moment ago, is about to be delivered.
        is_busy = next_at <= clock.now or any(line.at_hand for line in waiting)
        clock.turn(_TICK_S if is_busy else min(next_at, until) - clock.now)
        await asyncio.sleep(_LOOK_S)


@pytest.mark.parametrize(
    "backoff_s", [pytest.param(BACKOFF_S, id="ours"), pytest.param(GOOGLE_BACKOFF_S, id="Google's longest")]
)
async def test_all_outside_systems_away_for_an_hour_delay_everything_and_lose_and_repeat_nothing(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, backoff_s: tuple[int, int]
) -> None:
    firebase.use(world, monkeypatch)
    with turned_clock(monkeypatch) as clock:
        async with opened_lines(world, tmp_path, backoff_s) as lines:
            begun = clock.now
            # Making them asks the systems for something, too.
            events = [(line, await line.behaviour.occasion(world)) for _ in range(2) for line in lines]
            for number, line in enumerate(lines):
                fault = FAULTS[number % len(FAULTS)]
                await world.misbehave(line.behaviour.outside, **fault, times=1_000_000)
            # Half of them come while it lasts.
            for half, end_s in ((events[: len(lines)], HOUR_S / 2), (events[len(lines) :], HOUR_S)):
                for line, event in half:
                    line.publish(event)
                await pass_time(clock, lines, until=begun + end_s)

            assert not any(line.subscription.counts.acknowledged for line in lines)
            for line, event in events:
                assert not await world.in_inbox(event, line.behaviour.agent)
                # All the while.
                assert line.subscription.counts.refused > 2 * HOUR_S / 2 / backoff_s[1]
            # Left alone, but for a look now and then whether they are back.
            assert {line.behaviour.outside: circuit(line.behaviour.outside) for line in lines} == {
                line.behaviour.outside: "opened" for line in lines
            }
            for line in lines:
                await world.behave(line.behaviour.outside)
            await pass_time(clock, lines, until=clock.now + 3 * backoff_s[1])

        assert [line.behaviour.agent for line in lines if not line.is_empty] == []
        for line, event in events:
            await line.behaviour.assert_done_once(world, event)
            assert await world.dead_letters(event.id, line.behaviour.agent) == []
            attempts = [row["attempt"] for row in await world.deliveries(event, line.behaviour.agent)]
            assert attempts == list(range(1, len(attempts) + 1))
            # Far from being given up.
            limit: int = RuntimeSettings.model_fields["attempts"].default
            assert 1 < len(attempts) < limit


def circuit(service: str) -> str:
    """The state of a service's circuit breaker, as the metrics have it."""
    return next(state for state in guard.CIRCUIT_STATES if guard.CIRCUIT.labels(service, state)._value.get() == 1)
