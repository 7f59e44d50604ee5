"""What a service says of itself to the kit: its routes, its errors, its rules for idempotency keys, its page.

Handlers are plain functions from `Call` to `Reply`; they run in the store's transaction and raise `Refusal` for what
the service refuses, which undoes their changes.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl

import orjson
from starlette.routing import compile_path

from local.standin.clock import Clock
from local.standin.instruction import Instruction
from local.standin.store import Store
from local.standin.webhooks import Webhook, Webhooks


@dataclass(frozen=True, kw_only=True)
class Call:
    """A request as handlers see it."""

    method: str
    path: str
    #: What stood in the braces of the route's path.
    params: Mapping[str, str]
    query_string: str
    #: Names in lower case.
    headers: Mapping[str, str]
    body: bytes

    @cached_property
    def query(self) -> Mapping[str, str]:
        """The query's values; the last one counts where a name comes twice."""
        return dict(parse_qsl(self.query_string, keep_blank_values=True))

    def query_all(self, name: str) -> list[str]:
        """Every value of a name, in order."""
        return [value for key, value in parse_qsl(self.query_string, keep_blank_values=True) if key == name]

    def json(self) -> Any:
        """The body as JSON; raises ValueError."""
        return orjson.loads(self.body)


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """An answer: JSON bytes, or anything with its content type among the headers."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


class Refusal(Exception):
    """The service refuses; the reply says why in its own words, and nothing has changed."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(f"refused with status {reply.status}")
        self.reply = reply


Handler = Callable[[Call], Reply]


class Routes:
    """A table of method and path to handler; paths as in Starlette, ``/api/v2/customers/{id}``."""

    def __init__(self) -> None:
        self._routes: list[tuple[str, Any, Handler]] = []

    def add(self, method: str, path: str, handler: Handler) -> None:
        """Serve the path; the first route that fits wins."""
        pattern, _format, _convertors = compile_path(path)
        self._routes.append((method, pattern, handler))

    def find(self, method: str, path: str) -> tuple[Handler, dict[str, str]] | None:
        """The handler for a request and the values of its path, or None."""
        for route_method, pattern, handler in self._routes:
            if route_method == method and (match := pattern.match(path)):
                return handler, match.groupdict()
        return None


@dataclass(frozen=True, kw_only=True, slots=True)
class Idempotency:
    """How a service treats keys: it answers a request that it has done before with what it said then."""

    #: The header that carries the key, in lower case.
    header: str
    #: How long answers are kept.
    keep: timedelta
    #: Whether a request's key counts at all.
    applies: Callable[[Call], bool]
    #: Added to an answer out of memory.
    replay_headers: Mapping[str, str]
    #: Added to an answer that was made now, when there was a key.
    fresh_headers: Mapping[str, str] = field(default_factory=dict)
    #: The answer to a key that came before with another body.
    mismatch: Callable[[Call], Reply]


@dataclass(frozen=True, kw_only=True, slots=True)
class Section:
    """A table on the stand-in's page."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    note: str = ""


class Service(ABC):
    """One stand-in. Subclasses fill in what is peculiar to theirs."""

    #: Name of the folder and the logs.
    name: str
    #: What people call it.
    title: str
    #: How keys are treated; None when the service knows none.
    idempotency: Idempotency | None = None
    #: Header in which clients send a key that the service itself ignores; shown among the received requests.
    shown_key_header: str | None = None
    #: Whether things fall due here by themselves, too: then `time_passed` is called every second.
    keeps_time: bool = False
    #: Those of the kit's controls that mean something here; None: all.
    kit: frozenset[str] | None = None
    #: What ``POST /_control/webhooks/send`` takes here, for the page.
    webhook_example: Mapping[str, Any] = {"event_type": "…", "content": {}}

    def __init__(self, store: Store) -> None:
        self.store = store
        self.clock = Clock(store)
        self.webhooks = Webhooks(store)
        self.routes = Routes()

    @abstractmethod
    def refuse_stranger(self, call: Call) -> Reply | None:
        """The answer to wrong credentials, or None when they are right."""

    @abstractmethod
    def error(self, status: int, *, retry_after_s: int | None = None) -> Reply:
        """An error in the service's format, for faults and unknown paths."""

    def seed(self) -> None:  # noqa: B027 - a service may start empty
        """Fill an empty store; called at the first start and after a reset, inside a transaction."""

    def sections(self) -> Sequence[Section]:
        """Tables for the page, above the list of received requests."""
        return ()

    def time_passed(self) -> None:  # noqa: B027 - nothing falls due in some services
        """Do what falls due; called inside a transaction after the clock was turned, and see `keeps_time`."""

    def webhook(self, event_type: str, content: Mapping[str, Any]) -> Webhook:
        """The webhook that the service would send for such an event; raises ValueError when it has none."""
        raise ValueError(f"{self.title} stand-in has no webhook {event_type!r} with {len(content)} fields")

    def webhook_again(self, event_id: str) -> Webhook:
        """The webhook of an event that was sent before; raises ValueError when there was none."""
        raise ValueError(f"{self.title} stand-in keeps no events; there is no {event_id!r}")

    def sign_webhook(self, body: bytes) -> Mapping[str, str]:
        """Headers that tell the receiver who sent a webhook, besides basic authentication."""
        del body
        return {}

    def instructions(self) -> Mapping[str, Instruction]:
        """Further controls: path below ``/_control`` to what is done at a POST."""
        return {}

    def status(self) -> Mapping[str, Any]:
        """What ``GET /_control`` shows besides faults, clock and webhooks."""
        return {"documents": self.store.counts()}
