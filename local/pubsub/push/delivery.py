"""Pushes one subscription's messages: how many at a time, what counts as done, when to pause."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Final

import structlog

from local.pubsub.delivery import Delivery
from local.pubsub.errors import PubSubError
from local.pubsub.leases import Lease
from local.pubsub.push.body import push_request
from local.pubsub.push.http import BrokenConnectionError, Endpoint, UnreachableError
from local.pubsub.push.token import NoTokenError, TokenSource
from local.pubsub.subscription import Subscription

#: What Google takes for an acknowledgement; anything else refuses the message.
#: https://cloud.google.com/pubsub/docs/push#receive_push
SUCCESS: Final = frozenset({102, 200, 201, 202, 204})

#: How many requests may be under way: slowly more with each success, half with each failure.
_FIRST_WINDOW: Final = 4.0
_LARGEST_WINDOW: Final = 64.0
#: Without a retry policy, refusals with no success in between pause the whole subscription, longer each time.
_PAUSE_S: Final = (0.1, 60.0)
#: An endpoint that isn't there is tried again soon: locally it's being started.
_UNREACHABLE_PAUSE_S: Final = (0.1, 1.0)
#: The lease outlives the request, so that the request's outcome decides.
_LEASE_SPARE_S: Final = 5.0

_log = structlog.get_logger(__name__)


class PushDelivery:
    """The push loop of one subscription with one push configuration."""

    def __init__(self, subscription: Subscription, tokens: TokenSource) -> None:
        self._subscription = subscription
        self._tokens = tokens
        self._config = subscription.config.push_config
        self._endpoint = Endpoint(self._config.push_endpoint)
        self._wake = asyncio.Event()
        self._under_way: set[asyncio.Task[None]] = set()
        self._window = _FIRST_WINDOW
        self._refusals = 0
        self._unreachable = 0
        self._resume_at = 0.0

    async def run(self) -> None:
        """Push until cancelled or until the subscription is closed; requests under way are then finished."""
        self._subscription.listeners[self._wake] = None
        try:
            with contextlib.suppress(PubSubError):
                while True:
                    await self._step()
        finally:
            del self._subscription.listeners[self._wake]
            try:
                if self._under_way:
                    await asyncio.wait(self._under_way)
            finally:
                # Cancelled once more, it's no longer waiting for the answers.
                for task in self._under_way:
                    task.cancel()
                self._endpoint.close()

    async def _step(self) -> None:
        """Start what may start now, or wait until something changes."""
        loop = asyncio.get_running_loop()
        self._wake.clear()
        pause_s = self._resume_at - loop.time()
        if pause_s > 0:
            await asyncio.sleep(pause_s)
            return
        timeout_s = float(self._subscription.config.ack_deadline_seconds)
        deliveries = self._subscription.take(
            # After a failure to connect, one message finds out whether it's there again.
            count=(1 if self._unreachable else int(self._window)) - len(self._under_way),
            deadline_s=timeout_s + _LEASE_SPARE_S,
            # Google: one outstanding message per ordering key on push subscriptions.
            per_key=1,
        )
        for delivery in deliveries:
            task = asyncio.create_task(self._deliver(delivery, timeout_s))
            self._under_way.add(task)
            task.add_done_callback(self._done)
        if not deliveries:
            await self._wake.wait()

    def _done(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        self._wake.set()
        _report(task)

    async def _deliver(self, delivery: Delivery, timeout_s: float) -> None:
        try:
            request = push_request(self._subscription, delivery)
            if self._config.HasField("oidc_token"):
                token = self._config.oidc_token
                audience = token.audience or self._config.push_endpoint
                bearer = await self._tokens.get(token.service_account_email, audience)
                request.headers["Authorization"] = f"Bearer {bearer}"
            answer = await self._endpoint.post(request.body, request.headers, timeout_s=timeout_s)
        except (UnreachableError, NoTokenError) as error:
            self._not_sent(delivery, str(error))
        except (TimeoutError, BrokenConnectionError) as error:
            self._refused(delivery, str(error) or f"no answer within {timeout_s:g} s")
        except asyncio.CancelledError:
            self._if_current(delivery, self._subscription.put_back)
            raise
        except Exception:
            # A bug of ours: the message is refused, so that it doesn't spin.
            self._if_current(delivery, self._subscription.refuse)
            raise
        else:
            if answer.status in SUCCESS:
                self._accepted(delivery)
            else:
                self._refused(delivery, f"status {answer.status}")

    def _accepted(self, delivery: Delivery) -> None:
        if self._unreachable:
            _log.info("push.reachable_again", subscription=self._subscription.name, endpoint=self._endpoint.url)
        self._unreachable = self._refusals = 0
        self._window = min(_LARGEST_WINDOW, self._window + 1)
        self._if_current(delivery, self._subscription.settle)

    def _refused(self, delivery: Delivery, reason: str) -> None:
        _log.warning(
            "push.refused",
            subscription=self._subscription.name,
            message_id=delivery.message_id,
            attempt=delivery.attempt or None,
            reason=reason,
        )
        self._unreachable = 0
        self._refusals += 1
        self._window = max(1.0, self._window / 2)
        if not self._subscription.config.HasField("retry_policy"):
            self._pause(self._refusals, *_PAUSE_S)
        self._if_current(delivery, self._subscription.refuse)

    def _not_sent(self, delivery: Delivery, reason: str) -> None:
        if not self._unreachable:
            _log.warning(
                "push.unreachable", subscription=self._subscription.name, endpoint=self._endpoint.url, reason=reason
            )
        self._unreachable += 1
        self._pause(self._unreachable, *_UNREACHABLE_PAUSE_S)
        self._if_current(delivery, self._subscription.put_back)

    def _pause(self, failures: int, shortest_s: float, longest_s: float) -> None:
        pause_s = min(longest_s, shortest_s * 2.0 ** min(failures - 1, 30))
        self._resume_at = asyncio.get_running_loop().time() + pause_s

    def _if_current(self, delivery: Delivery, outcome: Callable[[Lease], None]) -> None:
        if self._subscription.is_current(delivery.lease):
            outcome(delivery.lease)


class Pushers:
    """The push loops of all subscriptions that have an endpoint."""

    def __init__(self, tokens: TokenSource) -> None:
        self._tokens = tokens
        self._running: dict[Subscription, tuple[bytes, asyncio.Task[None]]] = {}

    def update(self, subscription: Subscription) -> None:
        """Start, restart or stop pushing, as the subscription's configuration now says."""
        config = subscription.config.push_config.SerializeToString(deterministic=True)
        known = self._running.get(subscription)
        wanted = subscription.is_push and subscription.closed is None
        if known is not None and (not wanted or known[0] != config):
            known[1].cancel()
            del self._running[subscription]
            known = None
        if wanted and known is None:
            task = asyncio.create_task(PushDelivery(subscription, self._tokens).run())
            task.add_done_callback(_report)
            self._running[subscription] = config, task

    async def close(self, *, grace_s: float) -> None:
        """Start no more requests, let those under way finish within `grace_s`, and stop."""
        tasks = [task for _, task in self._running.values()]
        self._running.clear()
        for task in tasks:
            task.cancel()
        if tasks:
            _, pending = await asyncio.wait(tasks, timeout=grace_s)
            # Cancelled a second time, they don't wait for their requests any more.
            for task in pending:
                task.cancel()
            if pending:
                await asyncio.wait(pending, timeout=grace_s)
        self._tokens.close()


def _report(task: asyncio.Task[None]) -> None:
    """Nobody awaits these tasks as long as all goes well, so what goes wrong in them is logged here."""
    if not task.cancelled() and (error := task.exception()) is not None:
        _log.error("push.broken", exc_info=error)
