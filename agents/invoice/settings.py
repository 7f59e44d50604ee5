"""What the invoice agent needs from its environment."""

from dataclasses import dataclass
from datetime import timedelta

from pydantic import Field

from agents.charging.settings import RetrySettings
from agents.invoice.recovery import SubscriptionPolicy
from agents.runtime.settings import RuntimeSettings, read_together
from integrations.chargebee.settings import ChargebeeSettings
from integrations.iterable.settings import IterableSettings
from integrations.settings import Duration
from integrations.zendesk.settings import ZendeskSettings


class RecoverySettings(RetrySettings):
    """How a failed payment is recovered. Constructing it reads the environment."""

    #: What becomes of the subscription when the last attempt has failed: cancel | cancel_at_term_end | keep
    exhausted: SubscriptionPolicy = Field(SubscriptionPolicy.CANCEL, validation_alias="CAREGRAPH_PAYMENT_EXHAUSTED")
    #: How old an invoice may be that has failed already when it is seen first; older ones are history.
    window: Duration = Field(timedelta(days=14), validation_alias="CAREGRAPH_PAYMENT_RECOVERY_WINDOW")


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
