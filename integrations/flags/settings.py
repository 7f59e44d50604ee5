"""Which provider of flags, and where it is."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Self

from pydantic import AliasChoices, Field, model_validator
from pydantic_settings import SettingsConfigDict

from integrations.settings import Address, Duration, OutsideSettings


class FlagSettings(OutsideSettings):
    """``KAMELEOON_SITE_CODE`` for Kameleoon, ``CAREGRAPH_FLAGS_FILE`` for a file; without either, defaults alone."""

    model_config = SettingsConfigDict(env_prefix="KAMELEOON_", populate_by_name=True)

    #: Where Kameleoon's SDKs, too, have their configuration from.
    base_url: Address = "https://sdk-config.kameleoon.eu"
    #: The project, by the code that Kameleoon's app shows.
    site_code: str | None = None
    #: `production`, `staging` or another that was set up there; Kameleoon's default one when None.
    environment: str | None = None
    #: A switched flag counts after this time at the latest.
    refresh_every: Duration = timedelta(seconds=30)
    #: A start doesn't wait longer for the first configuration; flags have their defaults until it comes.
    first_wait: Duration = timedelta(seconds=3)
    file: Path | None = Field(None, validation_alias=AliasChoices("CAREGRAPH_FLAGS_FILE", "file"))

    read_time_out: Duration = timedelta(seconds=5)
    deadline: Duration = timedelta(seconds=10)

    @model_validator(mode="after")
    def _one_provider(self) -> Self:
        if self.site_code is not None and self.file is not None:
            raise ValueError("set KAMELEOON_SITE_CODE or CAREGRAPH_FLAGS_FILE, not both")
        return self
