"""What the identity agent needs from its environment."""

from dataclasses import dataclass

from agents.runtime.settings import RuntimeSettings, read_together
from integrations.identity.settings import FirebaseSettings


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """All settings of this program."""

    runtime: RuntimeSettings
    firebase: FirebaseSettings


def read_settings() -> Settings:
    """The settings, read from the environment; raises ConfigurationError that names all that is missing or wrong."""
    return read_together(Settings, runtime=RuntimeSettings, firebase=FirebaseSettings)
