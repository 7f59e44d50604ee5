"""When a failed charge is tried again, as the environment says."""

from typing import Annotated

from pydantic import BeforeValidator, Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


def _split(value: object) -> object:
    return [part.strip() for part in value.split(",")] if isinstance(value, str) else value


class RetrySettings(BaseSettings):
    """The plan of further attempts. Constructing it reads the environment."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True, populate_by_name=True)

    #: Days after the first failure on which it is tried again, for example `1,3,5,7`.
    retry_days: Annotated[tuple[int, ...], NoDecode, BeforeValidator(_split)] = Field(
        (1, 3, 5, 7), validation_alias="CAREGRAPH_PAYMENT_RETRY_DAYS"
    )

    @field_validator("retry_days")
    @classmethod
    def _rising(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if not value or value[0] < 1 or list(value) != sorted(set(value)):
            raise ValueError("must be rising numbers of days, like 1,3,5,7")
        return value
