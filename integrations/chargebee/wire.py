"""The connections to one Chargebee site: httpx's for what changes something, aiohttp's for what only reads.

A back-fill reads thousands of pages, and httpx (0.28) takes a millisecond of Python for each, as much as all else that
becomes of a page here. What goes wrong is httpx's error either way, and an answer httpx's, so nobody need know.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

import aiohttp
import httpx
from yarl import URL

from integrations.chargebee.settings import ChargebeeSettings
from integrations.http import is_loopback, open_transport

#: As long as httpx keeps idle connections, too.
_IDLE_S: Final = 5.0
#: They are about the body as it came, not as aiohttp gives it.
_OF_THE_BODY: Final = frozenset({"content-encoding", "content-length", "transfer-encoding"})


class Wire:
    """What the SDK's requests go through. Nothing is opened before the first one; the caller closes it."""

    def __init__(self, settings: ChargebeeSettings, *, certificates: ssl.SSLContext | None) -> None:
        """`certificates` for https."""
        self._changes = open_transport(settings, url=settings.address, verify=certificates or True)
        self._settings = settings
        self._certificates = certificates
        self._reads: aiohttp.ClientSession | None = None

    async def request(self, *, method: str, url: str, headers: Mapping[str, str], **rest: Any) -> httpx.Response:
        """The answer, whatever its status; raises httpx.HTTPError when there is none."""
        if method != "GET":
            return await self._changes.request(method, url, headers=headers, **rest)
        params = rest.get("params")
        # Written as httpx does: aiohttp's own would leave brackets in names as they are.
        address = URL(f"{url}?{urlencode(params)}" if params else url, encoded=True)
        try:
            async with self._session().get(address, headers=headers, allow_redirects=False) as answer:
                content = await answer.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise _translated(error) from error
        return httpx.Response(
            answer.status,
            headers=[(name, value) for name, value in answer.headers.items() if name.lower() not in _OF_THE_BODY],
            content=content,
        )

    async def aclose(self) -> None:
        """Close the connections; calling twice is safe."""
        await self._changes.aclose()
        if self._reads is not None:
            await self._reads.close()

    def _session(self) -> aiohttp.ClientSession:
        # Made where it is used: it belongs to the event loop.
        if self._reads is None:
            settings = self._settings
            self._reads = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    limit=settings.max_connections,
                    ssl=True if self._certificates is None else self._certificates,
                    keepalive_timeout=_IDLE_S,
                ),
                timeout=aiohttp.ClientTimeout(
                    sock_connect=settings.connect_time_out.total_seconds(),
                    sock_read=settings.read_time_out.total_seconds(),
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                # Proxies of the environment are for the world outside.
                trust_env=not is_loopback(settings.address),
            )
        return self._reads


def _translated(error: Exception) -> httpx.HTTPError:
    """The error that httpx would have raised; `integrations.http.translate` knows what it means."""
    sentence = type(error).__name__
    match error:
        case aiohttp.ConnectionTimeoutError():
            return httpx.ConnectTimeout(sentence)
        case TimeoutError():
            return httpx.ReadTimeout(sentence)
        case aiohttp.ClientConnectorError():
            return httpx.ConnectError(sentence)
        case aiohttp.ClientOSError():
            return httpx.ReadError(sentence)
    return httpx.RemoteProtocolError(sentence)
