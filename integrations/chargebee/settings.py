"""Where Chargebee is and who we are there."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from integrations.settings import OutsideSettings


class ChargebeeSettings(OutsideSettings):
    """``CHARGEBEE_SITE``, ``CHARGEBEE_API_KEY``; ``_DOMAIN`` and ``_PROTOCOL`` only to reach a stand-in.

    The SDK joins site and domain with a dot, so a stand-in at 127.0.0.1:8201 is site ``127`` and domain
    ``0.0.1:8201``.
    """

    model_config = SettingsConfigDict(env_prefix="CHARGEBEE_")

    site: str = Field(pattern="^[A-Za-z0-9-]+$")
    api_key: SecretStr
    domain: str = "chargebee.com"
    protocol: Literal["https", "http"] = "https"

    @property
    def address(self) -> str:
        """The site's address, without a path."""
        return f"{self.protocol}://{self.site}.{self.domain}"
