"""What a stand-in sends by itself: webhooks, at least once, with retries, to one address.

They are written in the transaction of the change they tell of and sent by a loop beside the server. Tests may have
them twice, hold them back and let them go in another order.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import httpx
import orjson
import structlog

from local.standin.store import Store

#: Then a webhook is given up.
ATTEMPTS = 12
_FIRST_WAIT_S = 0.5
_LONGEST_WAIT_S = 60.0
_TIME_OUT_S = 10.0
_KEPT = 5000

_log = structlog.get_logger(__name__)


class Order(StrEnum):
    """In which order held webhooks are let go."""

    SAME = "same"
    REVERSE = "reverse"
    SHUFFLE = "shuffle"


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """Where webhooks go; with basic authentication when a name is set."""

    url: str
    username: str | None = None
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Webhook:
    """What goes out for one event."""

    event_id: str
    event_type: str
    body: Mapping[str, Any]


class Webhooks:
    """The queue of one stand-in and the loop that empties it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._wake = asyncio.Event()
        self._twice = 0
        self._hold = False

    @property
    def target(self) -> Target | None:
        """Where they go, or None when nothing is sent."""
        value = self._store.setting("webhook_target")
        return Target(**value) if value else None

    def aim(self, target: Target | None) -> None:
        """Send to that address from now on, or nowhere."""
        value = None
        if target is not None:
            value = {"url": target.url, "username": target.username, "password": target.password}
        self._store.set("webhook_target", value)

    def aim_as_set_up(self, service: str) -> None:
        """Send where ``<SERVICE>_WEBHOOK_URL`` says, with its ``_USERNAME`` and ``_PASSWORD``; unset: stay as it is."""
        url, username, password = (
            os.environ.get(f"{service.upper()}_WEBHOOK_{part}") for part in ("URL", "USERNAME", "PASSWORD")
        )
        if url:
            self.aim(Target(url=url, username=username, password=password))

    def shape(self, *, twice: int | None = None, hold: bool | None = None) -> None:
        """Send the next ``twice`` webhooks two times; hold back new ones until `release`."""
        if twice is not None:
            self._twice = twice
        if hold is not None:
            self._hold = hold

    def add(self, webhook: Webhook) -> bool:
        """Queue a webhook, inside the transaction of its change; False when there is no address."""
        if self.target is None:
            return False
        copies = 1
        if self._twice:
            self._twice -= 1
            copies = 2
        status = "held" if self._hold else "pending"
        for _ in range(copies):
            self._store.execute(
                "INSERT INTO webhook (event_id, event_type, body, status) VALUES (?, ?, ?, ?)",
                (webhook.event_id, webhook.event_type, orjson.dumps(webhook.body).decode(), status),
            )
        return True

    def release(self, order: Order = Order.SAME) -> int:
        """Let held webhooks go, in that order, and hold no more; returns how many."""
        self._hold = False
        held = [dict(row) for row in self._store.rows("SELECT * FROM webhook WHERE status = 'held' ORDER BY seq")]
        if order is Order.REVERSE:
            held.reverse()
        elif order is Order.SHUFFLE:
            random.shuffle(held)
        with self._store.transaction():
            self._store.execute("DELETE FROM webhook WHERE status = 'held'")
            for row in held:
                self._store.execute(
                    "INSERT INTO webhook (event_id, event_type, body, status) VALUES (?, ?, ?, 'pending')",
                    (row["event_id"], row["event_type"], row["body"]),
                )
        self.wake()
        return len(held)

    def wake(self) -> None:
        """Look into the queue now; called after the transaction that wrote to it."""
        self._wake.set()

    def counts(self) -> dict[str, int]:
        """How many webhooks are pending, held, sent, given up."""
        rows = self._store.rows("SELECT status, count(*) AS n FROM webhook GROUP BY status")
        return {row["status"]: row["n"] for row in rows}

    async def run(self, sign: Callable[[bytes], Mapping[str, str]], user_agent: str) -> None:
        """Send what is due, until cancelled."""
        async with AsyncExitStack() as stack:
            # Opened when there is something to send: many a stand-in never sends anything.
            client: httpx.AsyncClient | None = None
            while True:
                self._wake.clear()
                rows = self._store.rows(
                    "SELECT * FROM webhook WHERE status = 'pending' AND next_attempt_at <= ? ORDER BY seq LIMIT 50",
                    (time.time(),),
                )
                if rows and client is None:
                    client = await stack.enter_async_context(
                        httpx.AsyncClient(timeout=_TIME_OUT_S, trust_env=False, headers={"user-agent": user_agent})
                    )
                if client is None or not rows:
                    await self._sleep()
                    continue
                for row in rows:
                    await self._send(client, dict(row), sign)

    async def _sleep(self) -> None:
        rows = self._store.rows("SELECT min(next_attempt_at) AS due FROM webhook WHERE status = 'pending'")
        due = rows[0]["due"]
        with suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), None if due is None else max(due - time.time(), 0.01))

    async def _send(
        self, client: httpx.AsyncClient, row: dict[str, Any], sign: Callable[[bytes], Mapping[str, str]]
    ) -> None:
        target = self.target
        status: int | None = None
        if target is not None:
            body = row["body"].encode()
            try:
                response = await client.post(
                    target.url,
                    content=body,
                    headers={"content-type": "application/json;charset=UTF-8", **sign(body)},
                    auth=httpx.BasicAuth(target.username, target.password or "") if target.username else httpx.Auth(),
                )
                status = response.status_code
            except httpx.HTTPError as error:
                _log.info("webhook.failed", event_id=row["event_id"], error_type=type(error).__name__)
        attempts = row["attempts"] + 1
        outcome = "pending"
        if status is not None and 200 <= status < 300:
            outcome = "sent"
        elif target is None or attempts >= ATTEMPTS:
            outcome = "given_up"
        wait_s = min(_FIRST_WAIT_S * 2 ** (attempts - 1), _LONGEST_WAIT_S)
        with self._store.transaction():
            self._store.execute(
                """
                UPDATE webhook SET status = ?, attempts = ?, next_attempt_at = ?, last_status = ? WHERE seq = ?
                """,
                (outcome, attempts, time.time() + wait_s, status, row["seq"]),
            )
            self._store.execute(
                "DELETE FROM webhook WHERE status IN ('sent', 'given_up') AND seq <= ?", (row["seq"] - _KEPT,)
            )
