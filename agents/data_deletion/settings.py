"""What the data_deletion agent needs from its environment."""

from dataclasses import dataclass
from datetime import timedelta

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from agents.runtime.settings import RuntimeSettings, read_together
from integrations.chargebee.settings import ChargebeeSettings
from integrations.identity.settings import FirebaseSettings
from integrations.iterable.settings import IterableSettings
from integrations.pharmacy.settings import PharmacySettings
from integrations.settings import Duration
from integrations.zendesk.settings import ZendeskSettings


class DeletionSettings(BaseSettings):
    """How a deletion ends. Constructing it reads the environment."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True, populate_by_name=True)

    #: Between the work and its conclusion: everyone has heard of it by then, and nothing is on its way any more.
    conclude_after: Duration = Field(
        timedelta(days=1), gt=timedelta(0), validation_alias="CAREGRAPH_DATA_DELETION_CONCLUDE_AFTER"
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """All settings of this program."""

    runtime: RuntimeSettings
    deletion: DeletionSettings
    firebase: FirebaseSettings
    chargebee: ChargebeeSettings
    iterable: IterableSettings
    zendesk: ZendeskSettings
    pharmacy: PharmacySettings


def read_settings() -> Settings:
    """The settings, read from the environment; raises ConfigurationError that names all that is missing or wrong."""
    return read_together(
        Settings,
        runtime=RuntimeSettings,
        deletion=DeletionSettings,
        firebase=FirebaseSettings,
        chargebee=ChargebeeSettings,
        iterable=IterableSettings,
        zendesk=ZendeskSettings,
        pharmacy=PharmacySettings,
    )
