"""What the event_routing agent needs from its environment."""

from dataclasses import dataclass

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from agents.runtime.settings import RuntimeSettings, read_together
from integrations.settings import Secrets


class WebhookSettings(BaseSettings):
    """How each source proves itself. Constructing it reads the environment.

    Each may have several secrets in force, while one is being replaced (docs/operations.md).
    """

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True, populate_by_name=True)

    #: Basic authentication, as entered at Chargebee under «Webhooks».
    chargebee_username: str = Field(validation_alias="CHARGEBEE_WEBHOOK_USERNAME")
    chargebee_passwords: Secrets = Field(validation_alias="CHARGEBEE_WEBHOOK_PASSWORD")
    #: The auth token of Iterable's system webhook.
    iterable_secrets: Secrets = Field(validation_alias="ITERABLE_WEBHOOK_SECRET")
    #: The signing secret of Zendesk's webhook.
    zendesk_secrets: Secrets = Field(validation_alias="ZENDESK_WEBHOOK_SECRET")
    #: The user that our API token acts as in Zendesk: what they did there, we did.
    zendesk_user_id: int = Field(validation_alias="ZENDESK_USER_ID")
    pharmacy_secrets: Secrets = Field(validation_alias="PHARMACY_WEBHOOK_SECRET")


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """All settings of this program."""

    runtime: RuntimeSettings
    webhooks: WebhookSettings


def read_settings() -> Settings:
    """The settings, read from the environment; raises ConfigurationError that names all that is missing or wrong."""
    return read_together(Settings, runtime=RuntimeSettings, webhooks=WebhookSettings)
