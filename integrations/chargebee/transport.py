"""The SDK's way to the network: one shared connection pool in place of a new client for each call.

The SDK opens an ``httpx.AsyncClient`` for every call, and with it a TLS context (33 ms) and a connection. It offers no
hook for that, so the one function that does it, ``chargebee.http_request._make_request_async``, is replaced by one that
takes the caller's pool from a context variable and falls back to the SDK's own way when there is none: other users of
the SDK in the same process notice nothing. A test pins the function's name and form.
"""

from __future__ import annotations

import logging
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import httpx
import orjson
from chargebee import APIError, Chargebee, http_request

from integrations.chargebee.settings import ChargebeeSettings
from integrations.chargebee.wire import Wire
from integrations.telemetry.tracing import current_traceparent


class UnreadableAnswer(Exception):
    """The answer is not in Chargebee's format: a proxy's page, most likely."""

    def __init__(self, response: httpx.Response) -> None:
        super().__init__(f"HTTP {response.status_code} without Chargebee's JSON")
        self.status = response.status_code
        self.headers = response.headers


_pool: ContextVar[httpx.AsyncClient | Wire | None] = ContextVar("chargebee_pool", default=None)
_read: ContextVar[Callable[[bytes], Any]] = ContextVar("chargebee_read", default=orjson.loads)
_sdk_make_request_async = http_request._make_request_async  # noqa: SLF001 - see the module's docstring


@contextmanager
def use_pool(pool: httpx.AsyncClient | Wire, read: Callable[[bytes], Any] = orjson.loads) -> Iterator[None]:
    """SDK calls made inside go through this pool, and give what `read` makes of an answer that is no error's."""
    tokens = _pool.set(pool), _read.set(read)
    try:
        yield
    finally:
        _pool.reset(tokens[0])
        _read.reset(tokens[1])


def open_site(settings: ChargebeeSettings) -> tuple[Chargebee, Wire]:
    """The SDK's object for the site, and the pool for its calls (`use_pool`), which the caller closes."""
    # With the SDK's own check on, it builds a TLS context for each call and forces https; ours is built once, from the
    # same certificates, and lives in the pool. Calls outside any pool are checked by httpx as usual.
    Chargebee.verify_ca_certs = False
    http_request._make_request_async = _make_request_async  # noqa: SLF001 - see the module's docstring
    # At DEBUG the SDK writes whole requests and answers, which hold names and addresses.
    logging.getLogger("chargebee").setLevel(logging.WARNING)
    site = Chargebee(
        api_key=settings.api_key.get_secret_value(),
        site=settings.site,
        chargebee_domain=settings.domain,
        protocol=settings.protocol,
        connection_time_out=settings.connect_time_out.total_seconds(),
        read_time_out=settings.read_time_out.total_seconds(),
        use_async_client=True,
    )
    is_safe = settings.protocol == "https"
    certificates = ssl.create_default_context(cafile=Chargebee.ca_cert_path) if is_safe else None
    return site, Wire(settings, certificates=certificates)


async def _make_request_async(request_args: dict[str, Any]) -> tuple[Any, httpx.Headers, int]:
    pool = _pool.get()
    if pool is None:
        answer: tuple[Any, httpx.Headers, int] = await _sdk_make_request_async(request_args)
        return answer
    args = {name: value for name, value in request_args.items() if name not in ("verify", "timeout")}
    if (traceparent := current_traceparent()) is not None:
        args["headers"]["traceparent"] = traceparent
    response = await pool.request(**args)
    try:
        if response.is_success:
            return _read.get()(response.content), response.headers, response.status_code
        # Raises the SDK's own error for what Chargebee says.
        http_request._handle_response(args, response)  # noqa: SLF001 - see the module's docstring
    except APIError:
        raise
    except Exception as error:
        # The SDK raises a bare Exception for what is not Chargebee's format.
        raise UnreadableAnswer(response) from error
    raise UnreadableAnswer(response)
