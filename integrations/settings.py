"""Settings that every client of an outside system has: time-outs, attempts, circuit breaker.

A client's own class adds its address and credentials and sets the prefix of the environment names, so that
``CHARGEBEE_READ_TIME_OUT=5`` or ``ZENDESK_ATTEMPTS=2`` work as one expects. Durations are seconds or ISO 8601.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any, Final, TypeVar
from urllib.parse import urlsplit

import orjson
from pydantic import AfterValidator, AliasChoices, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict, SettingsError

#: What pydantic-settings says of a value that should have been JSON; it knows the field, not the variable.
_UNREADABLE: Final = re.compile(r'error parsing value for field "(\w+)"')


class ConfigurationError(Exception):
    """One or more environment variables are missing or wrong; the message names them all."""


def _seconds(value: object) -> object:
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return value
    return value


def _not_negative(value: timedelta) -> timedelta:
    if value < timedelta(0):
        raise ValueError("can't be negative")
    return value


Duration = Annotated[timedelta, BeforeValidator(_seconds), AfterValidator(_not_negative)]


def check_address(value: str) -> str:
    """The value; raises ValueError unless it is an address of the web."""
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise ValueError("must be an address like https://host/path")
    return value


#: Where something is that speaks HTTP.
Address = Annotated[str, AfterValidator(check_address)]


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
        problems = error.errors(include_input=False, include_url=False)
        raise ConfigurationError("; ".join(_sentence(settings, problem) for problem in problems)) from None
    except SettingsError as error:
        unreadable = _UNREADABLE.search(str(error))
        name = _variable(settings, unreadable[1]) if unreadable else "a variable"
        raise ConfigurationError(f"{name}: must be JSON") from None


def _sentence(settings: type[BaseSettings], problem: Any) -> str:
    message = str(problem["msg"]).removeprefix("Value error, ")
    if not problem["loc"]:
        # About several at once; it says which.
        return message
    field, *inside = problem["loc"]
    name = _variable(settings, str(field)) + "".join(f"[{part}]" for part in inside)
    return f"{name} is missing" if problem["type"] == "missing" else f"{name}: {message}"


def _variable(settings: type[BaseSettings], field: str) -> str:
    """The environment variable of a field, which pydantic names by itself or by its alias."""
    info = settings.model_fields.get(field)
    alias = field if info is None else info.validation_alias
    if isinstance(alias, AliasChoices):
        alias = next(choice for choice in alias.choices if isinstance(choice, str))
    prefix = str(settings.model_config.get("env_prefix", ""))
    return alias if isinstance(alias, str) else f"{prefix}{field}".upper()
