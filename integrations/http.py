"""A JSON client for outside systems: httpx under a guard, foreign failures translated once, nothing private in logs.

A service's own client builds on `HttpClient` and gives it what is peculiar to the service: where the error code
stands in an answer, which header carries the idempotency key.
"""

from __future__ import annotations

import ipaddress
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import orjson
import structlog

from integrations.client import OutsideClient
from integrations.errors import IntegrationError, ServerFault, TimedOut, Unreachable, error_for_status
from integrations.guard import Guard
from integrations.settings import OutsideSettings
from integrations.telemetry.tracing import current_traceparent

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """What a service says about a failed call, in its own words."""

    code: str | None = None
    param: str | None = None
    detail: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """A successful answer: status, headers and the decoded JSON (None when the body is empty)."""

    status: int
    headers: httpx.Headers
    data: Any


def open_transport(settings: OutsideSettings, *, url: str, verify: Any = True) -> httpx.AsyncClient:
    """An httpx client with every time-out set and a bounded pool. The caller closes it.

    Proxies of the environment are for the world outside: an address on this machine is reached directly.
    """
    silence_wire_logs()
    return httpx.AsyncClient(
        timeout=httpx.Timeout(
            connect=settings.connect_time_out.total_seconds(),
            read=settings.read_time_out.total_seconds(),
            write=settings.read_time_out.total_seconds(),
            pool=settings.deadline.total_seconds(),
        ),
        limits=httpx.Limits(
            max_connections=settings.max_connections, max_keepalive_connections=settings.max_connections
        ),
        follow_redirects=False,
        trust_env=not is_loopback(url),
        # A TLS context takes 25 ms to build, for a plain address in vain; redirects to another one aren't followed.
        verify=verify if url.startswith("https:") else False,
    )


def silence_wire_logs() -> None:
    """Keep httpx from logging addresses: they hold e-mail addresses (``/api/users/{email}``)."""
    for name in ("httpx", "httpcore", "httpx_sse"):
        logger = logging.getLogger(name)
        if logger.level in (logging.NOTSET, logging.DEBUG, logging.INFO):
            logger.setLevel(logging.WARNING)


def path(template: str, **parts: str | int) -> str:
    """The template with its parts quoted, so that no value can become another path."""
    return template.format(**{name: quote(str(value), safe="") for name, value in parts.items()})


def retry_after(headers: Mapping[str, str], *, now: datetime | None = None) -> timedelta | None:
    """The Retry-After header (RFC 9110, 10.2.3): seconds or a date; None when absent or unreadable."""
    value = headers.get("retry-after")
    if value is None:
        return None
    try:
        return max(timedelta(seconds=float(value)), timedelta())
    except (ValueError, OverflowError):
        pass
    try:
        when = parsedate_to_datetime(value)
    except ValueError:
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return max(when - (now or datetime.now(UTC)), timedelta())


def translate(error: httpx.HTTPError, *, service: str, operation: str) -> IntegrationError:
    """What a failure on the wire means to a caller."""
    if isinstance(error, httpx.TimeoutException):
        return TimedOut(service=service, operation=operation, code=_snake(type(error).__name__))
    return Unreachable(service=service, operation=operation, code=_snake(type(error).__name__))


class HttpClient(OutsideClient):
    """Calls one service; every method raises IntegrationError and nothing else for what the service does."""

    def __init__(
        self,
        *,
        service: str,
        base_url: str,
        settings: OutsideSettings,
        headers: Mapping[str, str] | None = None,
        auth: httpx.Auth | None = None,
        idempotency_header: str | None = None,
        read_problem: Callable[[Any], Problem] = lambda _data: Problem(),
    ) -> None:
        self._transport = open_transport(settings, url=base_url)
        super().__init__(Guard(service, settings), self._transport.aclose)
        self.service = service
        self._base_url = base_url.rstrip("/")
        self._headers = {"accept": "application/json", "user-agent": "caregraph", **(headers or {})}
        self._auth = auth
        self._idempotency_header = idempotency_header
        self._read_problem = read_problem

    async def call(
        self,
        operation: str,
        method: str,
        url_path: str,
        *,
        body: Any = None,
        query: Mapping[str, Any] | None = None,
        idempotency_key: str | None = None,
    ) -> Answer:
        """Send one request under the guard; ``operation`` names it in logs, metrics and errors, never its address."""
        return await self.guard.call(
            operation,
            lambda: self.send(operation, method, url_path, body=body, query=query, idempotency_key=idempotency_key),
        )

    async def send(
        self,
        operation: str,
        method: str,
        url_path: str,
        *,
        body: Any = None,
        query: Mapping[str, Any] | None = None,
        idempotency_key: str | None = None,
    ) -> Answer:
        """Send one request once, for callers that put several requests into one guarded attempt."""
        headers = dict(self._headers)
        content: bytes | None = None
        if body is not None:
            content = orjson.dumps(body)
            headers["content-type"] = "application/json"
        if idempotency_key is not None and self._idempotency_header is not None:
            headers[self._idempotency_header] = idempotency_key
        if (traceparent := current_traceparent()) is not None:
            headers["traceparent"] = traceparent
        try:
            response = await self._transport.request(
                method,
                self._base_url + url_path,
                content=content,
                params=query,
                headers=headers,
                auth=self._auth if self._auth is not None else httpx.USE_CLIENT_DEFAULT,
            )
        except httpx.HTTPError as error:
            raise translate(error, service=self.service, operation=operation) from error
        _log.debug(
            "integration.answered",
            outside=self.service,
            operation=operation,
            status=response.status_code,
            idempotency_key=idempotency_key,
        )
        return self._read(operation, response)

    def _read(self, operation: str, response: httpx.Response) -> Answer:
        data, is_json = _decode(response)
        if response.is_success and is_json:
            return Answer(status=response.status_code, headers=response.headers, data=data)
        if response.is_success or 300 <= response.status_code < 400:
            # A page of a proxy or a redirect is not the service's answer; it may be gone in a minute.
            raise ServerFault(
                service=self.service,
                operation=operation,
                code="unexpected_answer",
                status=response.status_code,
            )
        problem = self._read_problem(data) if is_json else Problem()
        raise error_for_status(
            response.status_code,
            service=self.service,
            operation=operation,
            code=problem.code,
            param=problem.param,
            detail=problem.detail,
            retry_after=retry_after(response.headers),
        )


def _decode(response: httpx.Response) -> tuple[Any, bool]:
    if not response.content:
        return None, True
    try:
        return orjson.loads(response.content), True
    except orjson.JSONDecodeError:
        return None, False


def is_loopback(url: str) -> bool:
    """Whether the address is on this machine."""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")
