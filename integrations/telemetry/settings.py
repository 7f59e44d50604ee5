"""The environment variables that steer telemetry, and the one call that puts them into effect."""

import sys
from typing import Literal

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from integrations.telemetry.logging import LogFormat, LogLevel, configure_logging
from integrations.telemetry.tracing import configure_tracing, shutdown_tracing


class TelemetrySettings(BaseSettings):
    """How this process logs and traces. Constructing it reads the environment."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    #: Which deployment this is; it becomes an attribute of exported spans.
    environment: Literal["development", "staging", "production"] = Field(
        "development", validation_alias="CAREGRAPH_ENVIRONMENT"
    )
    #: None: console at a terminal in development, else JSON.
    log_format: LogFormat | None = Field(None, validation_alias="CAREGRAPH_LOG_FORMAT")
    log_level: LogLevel = Field("info", validation_alias="CAREGRAPH_LOG_LEVEL")
    #: Base URL of an OpenTelemetry collector (OTLP over HTTP, usually port 4318); None or empty: nothing is exported.
    otlp_endpoint: str | None = Field(None, validation_alias="OTEL_EXPORTER_OTLP_ENDPOINT")

    @field_validator("log_format", "log_level", mode="before")
    @classmethod
    def _word(cls, value: object) -> object:
        """Case and an empty value are forgiven: `INFO`, and a variable that is set to nothing."""
        return value.lower() if isinstance(value, str) else value

    @field_validator("log_format", mode="before")
    @classmethod
    def _unset(cls, value: object) -> object:
        return value or None


def configure_telemetry(service: str, settings: TelemetrySettings | None = None) -> TelemetrySettings:
    """Set logging and tracing up for this process; every program calls it once, first thing.

    `service` is the program's name in logs and traces: `api`, `relay`, `contract-agent`, … Without `settings`, they are
    read from the environment; a value that can't be raises pydantic.ValidationError, which names each. Call
    `shutdown_telemetry()` at the end, so that the last spans leave.
    """
    settings = settings or TelemetrySettings()
    log_format = settings.log_format
    if log_format is None:
        log_format = "console" if settings.environment == "development" and sys.stderr.isatty() else "json"
    configure_logging(service, log_format, settings.log_level)
    configure_tracing(service, endpoint=settings.otlp_endpoint, environment=settings.environment)
    return settings


def shutdown_telemetry() -> None:
    """Send the spans that wait (at most ten seconds) and stop exporting. Harmless when nothing was configured."""
    shutdown_tracing()
