"""Settings of the relay, read from the environment once at start."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from triggers.backoff import Backoff


def _from_seconds(value: object) -> object:
    """A number of seconds, as text in the environment; anything else is left to pydantic to refuse."""
    if isinstance(value, str):
        try:
            return timedelta(seconds=float(value))
        except (ValueError, OverflowError):
            raise ValueError(f"{value!r} is not a number of seconds") from None
    return value


Seconds = Annotated[timedelta, BeforeValidator(_from_seconds), Field(gt=timedelta(0))]


class RelaySettings(BaseSettings):
    """What a relay needs to know. Constructing it reads the environment; pydantic.ValidationError names what is wrong.

    Durations are seconds in the environment.
    """

    model_config = SettingsConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    #: PostgreSQL with the outbox. A direct connection: locks and LISTEN belong to a session, and a proxy that pools
    #: transactions gives none.
    database_url: SecretStr = Field(validation_alias="DATABASE_URL", min_length=1)
    #: Google Cloud project of the topics.
    project: str = Field(validation_alias="GOOGLE_CLOUD_PROJECT", min_length=1)
    #: `host:port` of a local Pub/Sub; None: Google's, with the default credentials.
    emulator_host: str | None = Field(None, validation_alias="PUBSUB_EMULATOR_HOST")
    #: Becomes part of the events' source.
    environment: Literal["development", "staging", "production"] = Field(
        "development", validation_alias="CAREGRAPH_ENVIRONMENT"
    )

    #: The poll that finds what no NOTIFY told of.
    slow_poll: Seconds = Field(timedelta(seconds=2), validation_alias="CAREGRAPH_RELAY_SLOW_POLL_S")
    #: The poll while the relay is awake and writers don't notify.
    fast_poll: Seconds = Field(timedelta(milliseconds=5), validation_alias="CAREGRAPH_RELAY_FAST_POLL_S")
    #: From this many events a second on the relay stays awake.
    busy_rate: int = Field(40, validation_alias="CAREGRAPH_RELAY_BUSY_RATE", ge=1)
    #: Over how long that rate is measured, and how long it must be calm before the relay sleeps.
    busy_window: Seconds = Field(timedelta(seconds=1), validation_alias="CAREGRAPH_RELAY_BUSY_WINDOW_S")
    #: How often lanes are shared anew and the row is kept.
    tick: Seconds = Field(timedelta(seconds=1), validation_alias="CAREGRAPH_RELAY_TICK_S")
    #: How long the row of a relay that died keeps asking for notifications.
    expiry: Seconds = Field(timedelta(seconds=30), validation_alias="CAREGRAPH_RELAY_EXPIRY_S")

    #: Events read at once.
    batch: int = Field(2_000, validation_alias="CAREGRAPH_RELAY_BATCH", ge=1, le=5_000)
    #: Events being published or waiting to be marked; no more are read until some are done.
    in_flight: int = Field(6_000, validation_alias="CAREGRAPH_RELAY_IN_FLIGHT", ge=1)
    #: Publish requests under way at once.
    requests: int = Field(64, validation_alias="CAREGRAPH_RELAY_REQUESTS", ge=1)
    #: Longest wait for Pub/Sub's answer to one request.
    publish_timeout: Seconds = Field(timedelta(seconds=10), validation_alias="CAREGRAPH_RELAY_PUBLISH_TIMEOUT_S")
    #: Refusals after which an event is given up. Failures of the network or of Pub/Sub itself don't count.
    max_refusals: int = Field(5, validation_alias="CAREGRAPH_RELAY_MAX_REFUSALS", ge=1)

    @field_validator("emulator_host", mode="before")
    @classmethod
    def _unset(cls, value: object) -> object:
        return value or None

    @property
    def source(self) -> str:
        """`ce-source` of events that name none of their own."""
        return f"/caregraph/{self.environment}"

    @property
    def key_backoff(self) -> Backoff:
        """Waits of one key whose event failed."""
        return Backoff(first=timedelta(milliseconds=200), longest=timedelta(seconds=5))

    @property
    def topic_backoff(self) -> Backoff:
        """Waits of a topic that takes nothing."""
        return Backoff(first=timedelta(milliseconds=250), longest=timedelta(seconds=5))

    @property
    def connection_backoff(self) -> Backoff:
        """Waits between attempts to reach PostgreSQL."""
        return Backoff(first=timedelta(milliseconds=100), longest=timedelta(seconds=3))


class ServiceSettings(BaseSettings):
    """Where the relay's own HTTP server listens."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    host: str = Field("127.0.0.1", validation_alias="HOST")
    port: int = Field(8300, validation_alias="PORT", ge=0, le=65535)
