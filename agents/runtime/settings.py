"""The environment variables that every agent reads, and the one way to read them."""

from collections.abc import Callable
from datetime import timedelta
from typing import Annotated, Any, TypeVar
from urllib.parse import urlsplit

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from integrations.identity.id_tokens import METADATA_ID_TOKEN_URL
from integrations.identity.oidc import GOOGLE_ISSUER, GOOGLE_JWKS_URL
from integrations.settings import ConfigurationError, Duration, check_address, load

Settings = TypeVar("Settings")


class RuntimeSettings(BaseSettings):
    """Where the endpoint is, who may push, and how patient an agent is. Constructing it reads the environment."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True, populate_by_name=True)

    #: The endpoint's address, with its path.
    graphql_url: str = Field(validation_alias="CAREGRAPH_GRAPHQL_URL")
    #: The audience of this agent's token for the endpoint; by default the endpoint's base URL.
    api_audience: str | None = Field(None, validation_alias="CAREGRAPH_API_AUDIENCE")
    #: Where this agent gets that token: Google's metadata server, or what speaks like it.
    id_token_url: str = Field(METADATA_ID_TOKEN_URL, validation_alias="CAREGRAPH_ID_TOKEN_URL")
    #: The audience of the tokens that Pub/Sub sends: this agent's base URL.
    push_audience: str = Field(validation_alias="CAREGRAPH_PUSH_AUDIENCE")
    #: The service account that Pub/Sub pushes as.
    push_service_account: str = Field(validation_alias="CAREGRAPH_PUSH_SERVICE_ACCOUNT")
    #: The service account that Cloud Tasks sends scheduled tasks as; without it, none are taken.
    tasks_service_account: str | None = Field(None, validation_alias="CAREGRAPH_TASKS_SERVICE_ACCOUNT")
    #: The service account that `caregraph scheduler` calls jobs as; without it, none are run.
    jobs_service_account: str | None = Field(None, validation_alias="CAREGRAPH_JOBS_SERVICE_ACCOUNT")
    service_issuer: str = Field(GOOGLE_ISSUER, validation_alias="CAREGRAPH_SERVICE_ISSUER")
    service_jwks_url: str = Field(GOOGLE_JWKS_URL, validation_alias="CAREGRAPH_SERVICE_JWKS_URL")

    #: Events handled at the same time; further ones wait for `turn_time_out`, then Pub/Sub is asked to slow down.
    concurrency: Annotated[int, Field(ge=1)] = Field(20, validation_alias="CAREGRAPH_AGENT_CONCURRENCY")
    turn_time_out: Duration = Field(timedelta(seconds=5), validation_alias="CAREGRAPH_AGENT_TURN_TIME_OUT")
    #: For one attempt as a whole; below the 60 s after which Pub/Sub delivers again.
    time_out: Duration = Field(timedelta(seconds=50), validation_alias="CAREGRAPH_AGENT_TIME_OUT")
    #: For a handler that was told to stop, at its time-out or by a stop of the agent, to do so; then it's left behind.
    stop_grace: Duration = Field(timedelta(seconds=2), validation_alias="CAREGRAPH_AGENT_STOP_GRACE")
    #: Attempts that may fail by our own fault before the event becomes a dead letter; others' trouble doesn't count.
    fault_attempts: Annotated[int, Field(ge=1)] = Field(10, validation_alias="CAREGRAPH_AGENT_FAULT_ATTEMPTS")
    #: Attempts while something else is down. Below 100, the most that a Pub/Sub dead-letter policy allows.
    attempts: Annotated[int, Field(ge=1, lt=100)] = Field(90, validation_alias="CAREGRAPH_AGENT_ATTEMPTS")

    @field_validator("graphql_url", "id_token_url", "push_audience", "service_jwks_url")
    @classmethod
    def _address(cls, value: str) -> str:
        return check_address(value)

    @property
    def endpoint_audience(self) -> str:
        """The audience that this agent's token for the endpoint carries."""
        parts = urlsplit(self.graphql_url)
        return self.api_audience or f"{parts.scheme}://{parts.netloc}"


def read_together(kind: Callable[..., Settings], **parts: type[BaseSettings]) -> Settings:
    """`kind(**parts)` with each part read from the environment.

    Raises ConfigurationError whose message names what is missing or wrong in all of them.
    """
    read: dict[str, Any] = {}
    problems: list[str] = []
    for name, part in parts.items():
        try:
            read[name] = load(part)
        except ConfigurationError as error:
            problems.append(str(error))
    if problems:
        raise ConfigurationError("; ".join(problems))
    return kind(**read)
