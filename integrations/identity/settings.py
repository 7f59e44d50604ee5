"""Where Firebase Auth is and which project's accounts are ours."""

from typing import Literal, Self

from pydantic import Field, model_validator
from pydantic_settings import SettingsConfigDict

from integrations.settings import OutsideSettings


class FirebaseSettings(OutsideSettings):
    """`CAREGRAPH_FIREBASE_PROJECT`; time-outs and the like by the prefix `FIREBASE_`.

    firebase-admin itself goes to `FIREBASE_AUTH_EMULATOR_HOST` when that is set, which production refuses.
    """

    model_config = SettingsConfigDict(env_prefix="FIREBASE_", populate_by_name=True)

    project: str = Field(validation_alias="CAREGRAPH_FIREBASE_PROJECT")
    emulator_host: str | None = Field(default=None, validation_alias="FIREBASE_AUTH_EMULATOR_HOST")
    environment: Literal["development", "staging", "production"] = Field(
        default="development", validation_alias="CAREGRAPH_ENVIRONMENT"
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.environment == "production" and self.emulator_host is not None:
            raise ValueError("FIREBASE_AUTH_EMULATOR_HOST is set in production; remove it")
        return self
