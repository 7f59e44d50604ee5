"""The accessor: typed questions, with defaults for when nobody knows."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast

import structlog
from openfeature import api
from openfeature.client import OpenFeatureClient
from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import ErrorCode
from openfeature.provider import FeatureProvider
from openfeature.provider.no_op_provider import NoOpProvider

from integrations.flags.file import FileProvider
from integrations.flags.kameleoon import KameleoonProvider
from integrations.flags.settings import FlagSettings

Value = TypeVar("Value", bool, str, int, float, list[Any], dict[str, Any])

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Flag(Generic[Value]):
    """A flag as its user declares it."""

    #: The flag's key in Kameleoon and in the file.
    key: str
    #: Also says of which type it is.
    default: Value


class Flags:
    """What a program asks; every answer is at hand, and no question fails."""

    def __init__(self, client: OpenFeatureClient) -> None:
        self._client = client

    def value(self, flag: Flag[Value], *, subject: str | None = None) -> Value:
        """The flag's value for somebody (an id of ours), or its default while nothing usable is known of it."""
        details = {
            bool: self._client.get_boolean_details,
            int: self._client.get_integer_details,
            float: self._client.get_float_details,
            str: self._client.get_string_details,
        }.get(type(flag.default), self._client.get_object_details)
        found = cast("Any", details)(flag.key, flag.default, EvaluationContext(targeting_key=subject))
        if found.error_code is not None and found.error_code is not ErrorCode.FLAG_NOT_FOUND:
            _log.warning("flags.default_used", flag=flag.key, code=str(found.error_code), error=found.error_message)
        value: Value = found.value
        return value


@asynccontextmanager
async def open_flags(settings: FlagSettings) -> AsyncIterator[Flags]:
    """The flags of the provider that the settings name, current until the end of the block."""
    async with AsyncExitStack() as stack:
        provider: FeatureProvider = NoOpProvider()
        if settings.site_code is not None:
            provider = await stack.enter_async_context(KameleoonProvider(settings))
        elif settings.file is not None:
            provider = FileProvider(settings.file)
        # Providers belong to the process in OpenFeature; a domain of its own keeps two of them apart.
        domain = str(uuid.uuid4())
        api.set_provider_and_wait(provider, domain)
        try:
            yield Flags(api.get_client(domain))
        finally:
            api.set_provider_and_wait(NoOpProvider(), domain)
