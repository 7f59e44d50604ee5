"""What the invoice agent needs from its environment."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from pydantic import BeforeValidator, Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from agents.invoice.recovery import SubscriptionPolicy
from agents.runtime.settings import RuntimeSettings, read_together
from integrations.chargebee.settings import ChargebeeSettings
from integrations.iterable.settings import IterableSettings
from integrations.settings import Duration
from integrations.zendesk.settings import ZendeskSettings


def _split(value: object) -> object:
    return [part.strip() for part in value.split(",")] if isinstance(value, str) else value


class RecoverySettings(BaseSettings):
    """How a failed payment is recovered. Constructing it reads the environment."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True, populate_by_name=True)

    #: Days after the first failure on which it is tried again, for example `1,3,5,7`.
    retry_days: Annotated[tuple[int, ...], NoDecode, BeforeValidator(_split)] = Field(
        (1, 3, 5, 7), validation_alias="CAREGRAPH_PAYMENT_RETRY_DAYS"
    )
    #: What becomes of the subscription when the last attempt has failed: cancel | cancel_at_term_end | keep
    exhausted: SubscriptionPolicy = Field(SubscriptionPolicy.CANCEL, validation_alias="CAREGRAPH_PAYMENT_EXHAUSTED")
    #: How old an invoice may be that has failed already when it is seen first; older ones are history.
    window: Duration = Field(timedelta(days=14), validation_alias="CAREGRAPH_PAYMENT_RECOVERY_WINDOW")

    @field_validator("retry_days")
    @classmethod
    def _rising(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if not value or value[0] < 1 or list(value) != sorted(set(value)):
            raise ValueError("must be rising numbers of days, like 1,3,5,7")
        return value


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """All settings of this program."""

    runtime: RuntimeSettings
    chargebee: ChargebeeSettings
    iterable: IterableSettings
    zendesk: ZendeskSettings
    recovery: RecoverySettings


def read_settings() -> Settings:
    """The settings, read from the environment; raises ConfigurationError that names all that is missing or wrong."""
    return read_together(
        Settings,
        runtime=RuntimeSettings,
        chargebee=ChargebeeSettings,
        iterable=IterableSettings,
        zendesk=ZendeskSettings,
        recovery=RecoverySettings,
    )
