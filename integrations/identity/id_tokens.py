"""The ID token that says who this process is, to be sent along with its calls to the API.

On Google Cloud the metadata server hands it out (Google Cloud documentation, "Get an ID token from the metadata
server"); the local identity service answers the same request. A token lives an hour and is asked for again five minutes
before it ends, which is also when the metadata server stops handing out the old one.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Final

import httpx
import structlog
import tenacity

from integrations.identity.errors import IdTokenUnavailableError, TokenError
from integrations.identity.verification import read_unverified_expiry

_log = structlog.get_logger(__name__)

METADATA_ID_TOKEN_URL: Final = (
    "http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/identity"  # noqa: S105 - an address
)
_REFRESH_BEFORE_S: Final = 300.0
_RETRY_REFRESH_S: Final = 15.0
_ATTEMPTS: Final = 4


class IdTokenProvider:
    """The ID token of this process for one audience, kept until shortly before it ends; use from one event loop."""

    def __init__(
        self,
        *,
        audience: str,
        client: httpx.AsyncClient,
        url: str = METADATA_ID_TOKEN_URL,
        timeout_s: float = 3.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Nothing is fetched yet; the caller owns and closes `client`. `timeout_s` bounds each attempt."""
        self._audience = audience
        self._client = client
        self._url = url
        self._timeout_s = timeout_s
        self._clock = clock
        self._token = ""
        self._expires_at = float("-inf")
        self._refresh_at = float("-inf")
        self._lock = asyncio.Lock()

    async def get_token(self) -> str:
        """A token that is good for a while yet: the one at hand, or a new one.

        When a new one cannot be had the old one serves until it ends. Raises IdTokenUnavailableError after that; the
        wait before it is bounded by four attempts of `timeout_s` each and short pauses between them.
        """
        if self._clock() >= self._refresh_at:
            async with self._lock:
                if self._clock() >= self._refresh_at:
                    await self._refresh()
        return self._token

    async def get_authorization(self) -> str:
        """The value for an `Authorization` header."""
        return f"Bearer {await self.get_token()}"

    def discard(self) -> None:
        """Forget the token, so that the next call fetches another: for when the API refused this one."""
        self._token, self._expires_at, self._refresh_at = "", float("-inf"), float("-inf")

    async def _refresh(self) -> None:
        try:
            token = await self._fetch()
            expires_at = read_unverified_expiry(token)
        except (httpx.HTTPError, TimeoutError, TokenError) as error:
            reason = str(error) or type(error).__name__
            if self._clock() >= self._expires_at:
                raise IdTokenUnavailableError(
                    f"no ID token for audience {self._audience} from {self._url}: {reason}; "
                    "check CAREGRAPH_ID_TOKEN_URL and that this process may use its service account"
                ) from error
            self._refresh_at = self._clock() + _RETRY_REFRESH_S
            _log.warning("id_token.refresh_failed", url=self._url, error=reason, expires_at=self._expires_at)
            return
        self._token, self._expires_at = token, expires_at
        # A token that is short-lived by nature is renewed at half its life, or it would be fetched for every call.
        remaining_s = expires_at - self._clock()
        self._refresh_at = self._clock() + max(remaining_s - _REFRESH_BEFORE_S, remaining_s / 2)

    @tenacity.retry(
        retry=tenacity.retry_if_exception_type((httpx.TransportError, TimeoutError)),
        stop=tenacity.stop_after_attempt(_ATTEMPTS),
        wait=tenacity.wait_exponential_jitter(multiplier=0.1, max=1.0, jitter=0.1),
        reraise=True,
    )
    async def _fetch(self) -> str:
        async with asyncio.timeout(self._timeout_s):
            response = await self._client.get(
                self._url,
                params={"audience": self._audience, "format": "full"},
                headers={"Metadata-Flavor": "Google"},
            )
        if response.status_code in (429, 500, 502, 503, 504):
            raise httpx.TransportError(f"status {response.status_code}")
        if response.status_code != 200:
            raise TokenError(f"status {response.status_code}: {response.text[:200]}")
        return response.text.strip()
