"""The connections to the endpoint: aiohttp's, because they are used for every event.

A request through httpx (0.28) takes 0.6 ms of Python, which was most of what an agent did for an event; through aiohttp
a tenth of that. Outside systems are called with `integrations.http`.
"""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

import aiohttp

_CONNECT_TIMEOUT_S: Final = 5.0
#: Less than what uvicorn keeps idle connections for (5 s), so that we rarely write into a closing one.
_IDLE_S: Final = 4.0


class Unanswered(Exception):
    """No answer came, or none that is HTTP; the request may have arrived."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the endpoint said."""

    status: int
    body: bytes


class Connections:
    """One URL and the connections to it, as many as are needed at once."""

    def __init__(self, url: str, *, certificates: ssl.SSLContext | None = None) -> None:
        """Nothing is opened before `async with`. `certificates` are for https, by default the machine's."""
        self.url = url
        self._certificates = certificates
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        """Open it, in the event loop that will use it."""
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=0, ssl=True if self._certificates is None else self._certificates, keepalive_timeout=_IDLE_S
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            # The endpoint is our own and on our own network: no proxy of the environment stands between.
            trust_env=False,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()

    async def post(self, body: bytes, headers: Mapping[str, str], *, timeout_s: float) -> Answer:
        """Send a request and wait for its answer. Raises Unanswered, and TimeoutError after `timeout_s`."""
        if self._session is None:
            raise Unanswered(f"the connections to {self.url} are not open")
        timeout = aiohttp.ClientTimeout(total=timeout_s, sock_connect=_CONNECT_TIMEOUT_S)
        try:
            async with self._session.post(
                self.url, data=body, headers=headers, timeout=timeout, allow_redirects=False
            ) as response:
                return Answer(response.status, await response.read())
        except aiohttp.ClientError as error:
            raise Unanswered(f"{self.url} gave no answer ({type(error).__name__})") from error
