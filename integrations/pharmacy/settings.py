"""Where the pharmacy network is and who we are there."""

from __future__ import annotations

from pydantic import SecretStr
from pydantic_settings import SettingsConfigDict

from integrations.settings import Address, OutsideSettings


class PharmacySettings(OutsideSettings):
    """``PHARMACY_BASE_URL`` and ``PHARMACY_API_KEY``. Who takes its webhooks reads ``PHARMACY_WEBHOOK_SECRET``, too."""

    model_config = SettingsConfigDict(env_prefix="PHARMACY_")

    base_url: Address
    api_key: SecretStr
