"""Settings of the scheduler, read from the environment once at start."""

from datetime import timedelta

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from integrations.identity.id_tokens import METADATA_ID_TOKEN_URL
from integrations.identity.oidc import GOOGLE_ISSUER, GOOGLE_JWKS_URL
from triggers.settings import Seconds


class SchedulerSettings(BaseSettings):
    """What the scheduler needs to know. Constructing it reads the environment; durations are seconds there."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    database_url: SecretStr = Field(validation_alias="DATABASE_URL", min_length=1)
    #: `projects/PROJECT/locations/LOCATION/queues/QUEUE`.
    queue: str = Field(
        validation_alias="CAREGRAPH_TASKS_QUEUE", pattern=r"^projects/[^/]+/locations/[^/]+/queues/[^/]+$"
    )
    #: `host:port` of a local Cloud Tasks; None: Google's, with the default credentials.
    emulator_host: str | None = Field(None, validation_alias="CLOUD_TASKS_EMULATOR_HOST")
    #: The service account that tasks are sent as.
    tasks_service_account: str = Field(validation_alias="CAREGRAPH_TASKS_SERVICE_ACCOUNT", min_length=1)
    #: Base URL of every agent, by name: where its tasks go, and the audience of their tokens.
    agent_urls: dict[str, str] = Field(validation_alias="CAREGRAPH_AGENT_URLS")

    #: The service account that Cloud Scheduler calls as, and the audience of its tokens: our base URL.
    cron_service_account: str = Field(validation_alias="CAREGRAPH_CRON_SERVICE_ACCOUNT", min_length=1)
    audience: str = Field(validation_alias="CAREGRAPH_SCHEDULER_AUDIENCE", min_length=1)
    service_issuer: str = Field(GOOGLE_ISSUER, validation_alias="CAREGRAPH_SERVICE_ISSUER")
    service_jwks_url: str = Field(GOOGLE_JWKS_URL, validation_alias="CAREGRAPH_SERVICE_JWKS_URL")
    #: Where the scheduler gets its own tokens for the jobs that an agent does.
    id_token_url: str = Field(METADATA_ID_TOKEN_URL, validation_alias="CAREGRAPH_ID_TOKEN_URL")

    #: How far ahead tasks are handed over. Cloud Tasks takes 30 days.
    horizon: Seconds = Field(timedelta(days=2), validation_alias="CAREGRAPH_SCHEDULER_HORIZON_S")
    poll: Seconds = Field(timedelta(seconds=1), validation_alias="CAREGRAPH_SCHEDULER_POLL_S")
    #: A task that is not done so long after its time is looked for in Cloud Tasks.
    overdue: Seconds = Field(timedelta(minutes=15), validation_alias="CAREGRAPH_SCHEDULER_OVERDUE_S")
    #: Where a clock that was turned tells the time (`{"now": …}`); None: the machine's. Development only.
    clock_url: str | None = Field(None, validation_alias="CAREGRAPH_CLOCK_URL")

    @field_validator("emulator_host", "clock_url", mode="before")
    @classmethod
    def _unset(cls, value: object) -> object:
        return value or None
