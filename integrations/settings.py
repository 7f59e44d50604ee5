"""Settings that every client of an outside system has: time-outs, attempts, circuit breaker.

A client's own class adds its address and credentials and sets the prefix of the environment names, so that
``CHARGEBEE_READ_TIME_OUT=5`` or ``ZENDESK_ATTEMPTS=2`` work as one expects. Durations are seconds or ISO 8601.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, TypeVar

import orjson
from pydantic import BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


class ConfigurationError(Exception):
    """One or more environment variables are missing or wrong; the message names them all."""


def _seconds(value: object) -> object:
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return value
    return value


Duration = Annotated[timedelta, BeforeValidator(_seconds)]


def _several(value: object) -> object:
    if isinstance(value, SecretStr):
        return (value,)
    if not isinstance(value, str):
        return value
    # What the value is must not stand in an error.
    listed: object = [part.strip() for part in value.split(",")]
    if value.lstrip().startswith("["):
        try:
            listed = orjson.loads(value)
        except orjson.JSONDecodeError:
            raise ValueError("begins like a JSON list and isn't one") from None
    if not isinstance(listed, list) or not listed or not all(isinstance(one, str) and one for one in listed):
        raise ValueError("must be a secret, or several with commas between them or as a JSON list, none of them empty")
    return tuple(listed)


#: Secrets that are in force at the same time, while one is being replaced by the next: `new,old`, or as a JSON list
#: `["new","old"]`, in which they may have commas. The first is the one to come; who verifies takes any.
Secrets = Annotated[tuple[SecretStr, ...], NoDecode, BeforeValidator(_several), Field(min_length=1)]


class OutsideSettings(BaseSettings):
    """How long to wait for an outside system, how often to try again, when to leave it alone."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True)

    #: Until a connection stands.
    connect_time_out: Duration = timedelta(seconds=3)
    #: Between two parts of an answer.
    read_time_out: Duration = timedelta(seconds=10)
    #: For a call as a whole: all attempts and the waits between them. Below the 60 s after which Pub/Sub redelivers.
    deadline: Duration = timedelta(seconds=30)
    #: The first one included.
    attempts: int = Field(default=4, ge=1)
    #: The first wait is random between nothing and this; each further one doubles the bound.
    retry_wait: Duration = timedelta(milliseconds=250)
    retry_wait_max: Duration = timedelta(seconds=5)
    #: Retries beyond this share of all calls are not made (plus a small reserve), so that an outage is not made worse.
    retry_share: float = Field(default=0.2, ge=0, le=1)
    retry_reserve: int = Field(default=10, ge=0)
    #: Failures in a row after which the service is left alone, and for how long.
    circuit_failures: int = Field(default=5, ge=1)
    circuit_open_for: Duration = timedelta(seconds=30)
    max_connections: int = Field(default=20, ge=1)


Settings = TypeVar("Settings", bound=BaseSettings)


def load(settings: type[Settings]) -> Settings:
    """The settings read from the environment; raises ConfigurationError that names every missing or wrong variable."""
    try:
        return settings()
    except ValidationError as error:
        prefix = str(settings.model_config.get("env_prefix", ""))
        problems = [
            f"{prefix}{'_'.join(str(part) for part in problem['loc'])}".upper()
            + (" is missing" if problem["type"] == "missing" else f": {problem['msg']}")
            for problem in error.errors(include_input=False, include_url=False)
        ]
        raise ConfigurationError("; ".join(problems)) from None
