"""Where Iterable is, who we are there, and which campaign each template is."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from integrations.settings import Address, OutsideSettings


class IterableSettings(OutsideSettings):
    """``ITERABLE_API_KEY``; ``ITERABLE_BASE_URL`` for the European data centre or a stand-in.

    ``ITERABLE_CAMPAIGNS`` and ``ITERABLE_JOURNEYS`` are JSON objects from our template and workflow names to Iterable's
    numbers; a name that is not in them is looked up in Iterable by its name.
    """

    model_config = SettingsConfigDict(env_prefix="ITERABLE_")

    base_url: Address = "https://api.iterable.com"
    api_key: SecretStr
    campaigns: Mapping[str, int] = Field(default_factory=dict)
    journeys: Mapping[str, int] = Field(default_factory=dict)
