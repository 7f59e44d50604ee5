"""What the notification agent needs from its environment."""

from dataclasses import dataclass, field
from datetime import timedelta

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from agents.runtime.settings import RuntimeSettings, read_together
from integrations.flags.settings import FlagSettings
from integrations.iterable.settings import IterableSettings
from integrations.settings import Duration


class SendingSettings(BaseSettings):
    """How long a message may take. Constructing it reads the environment."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True, populate_by_name=True)

    #: For one message with all attempts; after twice this time another process may take it over.
    send_time_out: Duration = Field(timedelta(seconds=5), validation_alias="CAREGRAPH_NOTIFICATION_SEND_TIME_OUT")


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """All settings of this program."""

    runtime: RuntimeSettings
    iterable: IterableSettings
    sending: SendingSettings
    flags: FlagSettings = field(default_factory=FlagSettings)


def read_settings() -> Settings:
    """The settings, read from the environment; raises ConfigurationError that names all that is missing or wrong."""
    return read_together(
        Settings, runtime=RuntimeSettings, iterable=IterableSettings, sending=SendingSettings, flags=FlagSettings
    )
