"""What the chargebee agent needs from its environment, and what its commands need."""

from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from agents.charging.settings import RetrySettings
from agents.runtime.settings import RuntimeSettings, read_together
from integrations.chargebee.settings import ChargebeeSettings
from integrations.identity.id_tokens import METADATA_ID_TOKEN_URL
from integrations.settings import Duration
from integrations.zendesk.settings import ZendeskSettings


class EtlSettings(BaseSettings):
    """How the mirror is kept. Constructing it reads the environment."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True, populate_by_name=True)

    #: How far before the end of the last run the next one begins.
    overlap: Duration = Field(timedelta(minutes=2), validation_alias="CAREGRAPH_ETL_OVERLAP")
    #: How long a run has a resource to itself without a sign of life.
    lease: Duration = Field(timedelta(seconds=45), validation_alias="CAREGRAPH_ETL_LEASE")
    #: After this a run lets the next one go on.
    budget: Duration = Field(timedelta(seconds=50), validation_alias="CAREGRAPH_ETL_BUDGET")


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """All settings of this program."""

    runtime: RuntimeSettings
    chargebee: ChargebeeSettings
    zendesk: ZendeskSettings
    etl: EtlSettings
    retries: RetrySettings


def read_settings() -> Settings:
    """The settings, read from the environment; raises ConfigurationError that names all that is missing or wrong."""
    return read_together(
        Settings,
        runtime=RuntimeSettings,
        chargebee=ChargebeeSettings,
        zendesk=ZendeskSettings,
        etl=EtlSettings,
        retries=RetrySettings,
    )


class EndpointSettings(BaseSettings):
    """Where the endpoint is, and who we are there. Constructing it reads the environment."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True, populate_by_name=True)

    graphql_url: str = Field(validation_alias="CAREGRAPH_GRAPHQL_URL")
    #: The audience of the token for the endpoint; by default the endpoint's base URL.
    api_audience: str | None = Field(None, validation_alias="CAREGRAPH_API_AUDIENCE")
    id_token_url: str = Field(METADATA_ID_TOKEN_URL, validation_alias="CAREGRAPH_ID_TOKEN_URL")

    @property
    def audience(self) -> str:
        """The audience that the token carries."""
        parts = urlsplit(self.graphql_url)
        return self.api_audience or f"{parts.scheme}://{parts.netloc}"


@dataclass(frozen=True, kw_only=True, slots=True)
class CommandSettings:
    """All settings of `caregraph chargebee`."""

    endpoint: EndpointSettings
    chargebee: ChargebeeSettings
    etl: EtlSettings


def read_command_settings() -> CommandSettings:
    """The settings, read from the environment; raises ConfigurationError that names all that is missing or wrong."""
    return read_together(CommandSettings, endpoint=EndpointSettings, chargebee=ChargebeeSettings, etl=EtlSettings)
