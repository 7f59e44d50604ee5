"""What the prescription agent needs from its environment."""

from dataclasses import dataclass
from datetime import timedelta

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from agents.runtime.settings import RuntimeSettings, read_together
from integrations.pharmacy.settings import PharmacySettings
from integrations.settings import Duration
from integrations.zendesk.settings import ZendeskSettings


class FollowingSettings(BaseSettings):
    """How fills are followed. Constructing it reads the environment."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True, populate_by_name=True)

    #: How long before a fill runs out the next one is due.
    refill_lead: Duration = Field(timedelta(days=7), validation_alias="CAREGRAPH_PRESCRIPTION_REFILL_LEAD")
    #: After how long without news of a fill the pharmacy is asked; its webhooks are sent again for some minutes.
    stuck_after: Duration = Field(timedelta(hours=1), validation_alias="CAREGRAPH_PRESCRIPTION_STUCK_AFTER")


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """All settings of this program."""

    runtime: RuntimeSettings
    pharmacy: PharmacySettings
    zendesk: ZendeskSettings
    following: FollowingSettings


def read_settings() -> Settings:
    """The settings, read from the environment; raises ConfigurationError that names all that is missing or wrong."""
    return read_together(
        Settings,
        runtime=RuntimeSettings,
        pharmacy=PharmacySettings,
        zendesk=ZendeskSettings,
        following=FollowingSettings,
    )
