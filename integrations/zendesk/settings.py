"""Where Zendesk is and who we are there."""

from __future__ import annotations

from pydantic import SecretStr
from pydantic_settings import SettingsConfigDict

from integrations.settings import Address, OutsideSettings


class ZendeskSettings(OutsideSettings):
    """``ZENDESK_BASE_URL`` (``https://SUBDOMAIN.zendesk.com``), ``ZENDESK_EMAIL`` and ``ZENDESK_API_TOKEN``."""

    model_config = SettingsConfigDict(env_prefix="ZENDESK_")

    base_url: Address
    #: The agent that the token belongs to.
    email: str
    api_token: SecretStr
