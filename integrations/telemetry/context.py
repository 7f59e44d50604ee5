"""The request that is being served, for whoever logs or sends on meanwhile."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import uuid_utils

if TYPE_CHECKING:
    from integrations.telemetry.tracing import TraceContext

#: What we accept as somebody else's request id: short, and harmless in a log line or a header.
_SANE_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:\-]{0,127}")


@dataclass(slots=True, kw_only=True)
class RequestContext:
    """One request, or one run of a job. Mutable on purpose: what is served deep inside adds to the access line."""

    #: The caller's `X-Request-Id`, or ours (UUIDv7).
    request_id: str
    #: Fields that join the request's access line: `annotate(role="user", operation="Contracts")`.
    fields: dict[str, Any] = field(default_factory=dict)

    def find_trace(self) -> "TraceContext | None":
        """The trace that it has of its own, where none was made current (`tracing.current_trace`)."""
        return None

    def find_traceparent(self) -> str | None:
        """The same as text, which takes less time."""
        return None


#: The request being served, or None outside one.
current_request: Final[ContextVar[RequestContext | None]] = ContextVar("caregraph_request", default=None)


def new_request_id() -> str:
    """A fresh request id (UUIDv7, so that ids sort by time)."""
    return str(uuid_utils.uuid7())


def accept_request_id(candidate: str | None) -> str:
    """`candidate` when it is a sane request id (1 to 128 letters, digits, `._:-`), else a new one."""
    if candidate is not None and _SANE_REQUEST_ID.fullmatch(candidate):
        return candidate
    return new_request_id()


def annotate(**fields: Any) -> None:
    """Add fields to the access line of the request being served; outside a request, nothing happens.

    Identifiers and counts only, never clinical or personal values: these fields are not looked through again.
    """
    request = current_request.get()
    if request is not None:
        request.fields.update(fields)


@contextmanager
def request_context(request_id: str | None = None) -> Iterator[RequestContext]:
    """Name a piece of work that no HTTP request started (a relay batch, a job), so that its log lines hang together."""
    request = RequestContext(request_id=accept_request_id(request_id))
    token = current_request.set(request)
    try:
        yield request
    finally:
        current_request.reset(token)
