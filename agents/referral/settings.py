"""What the referral agent needs from its environment."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from agents.runtime.settings import RuntimeSettings, read_together
from integrations.chargebee.settings import ChargebeeSettings

Amount = Annotated[int, Field(gt=0)]


class RewardSettings(BaseSettings):
    """What a completed referral is worth to each of the two. Constructing it reads the environment."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True, populate_by_name=True)

    #: ISO 4217 code → minor units of it (`{"USD": 2500, "JPY": 3500}`: 25 dollars, 3,500 yen). A currency that isn't
    #: named earns nothing: 2,500 of another one would be another sum.
    amounts: Mapping[str, Amount] = Field(
        default={"USD": 2500, "CAD": 3500, "EUR": 2500, "GBP": 2000, "JPY": 3500},
        validation_alias="CAREGRAPH_REFERRAL_REWARDS",
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """All settings of this program."""

    runtime: RuntimeSettings
    chargebee: ChargebeeSettings
    rewards: RewardSettings


def read_settings() -> Settings:
    """The settings, read from the environment; raises ConfigurationError that names all that is missing or wrong."""
    return read_together(Settings, runtime=RuntimeSettings, chargebee=ChargebeeSettings, rewards=RewardSettings)
