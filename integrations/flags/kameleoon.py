"""Flags from Kameleoon (https://developers.kameleoon.com): its configuration, fetched now and then, evaluated here.

Why not Kameleoon's own SDK (`kameleoon-client-python`): its addresses are HTTPS at its own ports, so that no stand-in
could take its place; it starts threads when it is constructed and brings two more HTTP clients; and it reports to
Kameleoon, under the code that it was asked about, what each person got. Ours are patients.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any, Final, Self

import structlog
from openfeature.flag_evaluation import Reason

from integrations.errors import IntegrationError
from integrations.flags.configuration import (
    ConfigurationMismatch,
    FeatureFlag,
    choose_variation,
    parse_configuration,
)
from integrations.flags.provider import Found, MemoryProvider
from integrations.flags.settings import FlagSettings
from integrations.http import HttpClient, path

SERVICE: Final = "kameleoon"
#: The variation that every flag has.
OFF: Final = "off"
#: The variable that holds a flag's value, when a variation has several.
VALUE: Final = "value"

_log = structlog.get_logger(__name__)


class KameleoonProvider(MemoryProvider):
    """The flags of one project: ``async with KameleoonProvider(settings) as provider``.

    A flag without variables is on or off: every variation but `off` is on. Otherwise its value is the variable `value`,
    or the only one there is. What was fetched last counts for as long as Kameleoon doesn't answer.
    """

    name = SERVICE

    def __init__(self, settings: FlagSettings) -> None:
        super().__init__()
        assert settings.site_code is not None
        self._settings = settings
        self._path = path("/v3/{site_code}", site_code=settings.site_code)
        self._http = HttpClient(service=SERVICE, base_url=settings.base_url, settings=settings)
        self._flags: Mapping[str, FeatureFlag] = {}
        self._refreshing: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        # A program starts without Kameleoon, too.
        with suppress(TimeoutError):
            async with asyncio.timeout(self._settings.first_wait.total_seconds()):
                await self._try_to_refresh()
        self._refreshing = asyncio.create_task(self._keep_fresh())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._refreshing is not None:
            self._refreshing.cancel()
            with suppress(asyncio.CancelledError):
                await self._refreshing
        await self._http.aclose()

    def find(self, flag_key: str, code: str) -> Found | None:
        """The value of the variation that the one of this code gets."""
        flag = self._flags.get(flag_key)
        if flag is None:
            return None
        if not flag.enabled:
            return Found(value=None, reason=Reason.DISABLED)
        variation = choose_variation(flag, code)
        value = _value_of(variation, flag.variations.get(variation, {}))
        return Found(value=value, reason=Reason.TARGETING_MATCH if flag.rules else Reason.DEFAULT, variant=variation)

    async def refresh(self) -> None:
        """Fetch the configuration now; raises IntegrationError or ConfigurationMismatch and keeps what there was."""
        environment = self._settings.environment
        answer = await self._http.call(
            "fetch_configuration", "GET", self._path, query={"environment": environment} if environment else None
        )
        self._flags = parse_configuration(answer.data)

    async def _try_to_refresh(self) -> None:
        try:
            await self.refresh()
        except (IntegrationError, ConfigurationMismatch) as error:
            _log.warning("flags.not_refreshed", outside=SERVICE, error=str(error), known_flags=len(self._flags))

    async def _keep_fresh(self) -> None:
        while True:
            await asyncio.sleep(self._settings.refresh_every.total_seconds())
            await self._try_to_refresh()


def _value_of(variation: str, variables: Mapping[str, Any]) -> Any:
    if VALUE in variables:
        return variables[VALUE]
    if len(variables) == 1:
        return next(iter(variables.values()))
    return variation != OFF if not variables else dict(variables)
