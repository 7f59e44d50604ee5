"""Where the identity service listens, what it keeps where, and whose tokens it issues."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from local.layout import AGENTS, HOST, PROJECT, read_layout, service_account
from server.authentication.settings import parse_json

GOOGLE_ISSUER: Final = "https://accounts.google.com"


class IdentitySettingsError(ValueError):
    """The environment holds values that cannot work; the message names every one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentitySettings:
    """Settings of one identity service."""

    #: Signing keys and accounts live here; made when missing.
    folder: Path
    port: int
    host: str = HOST
    #: Google project, which is the audience of Firebase's ID tokens.
    project: str = PROJECT
    firebase_issuer: str = f"https://securetoken.google.com/{PROJECT}"
    service_issuer: str = GOOGLE_ISSUER
    #: Base URL of the API: the audience of the tokens that agents call it with.
    api_audience: str
    #: E-mail address of a service account → agent's name.
    service_accounts: Mapping[str, str]
    #: Origins of pages that may ask for developer tokens.
    api_origins: tuple[str, ...] = ()


class _Environment(BaseSettings):
    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True, hide_input_in_errors=True)

    port: int | None = Field(default=None, validation_alias="PORT", ge=0, le=65_535)
    project: str = Field(default=PROJECT, validation_alias="CAREGRAPH_FIREBASE_PROJECT")
    firebase_issuer: str | None = Field(default=None, validation_alias="CAREGRAPH_FIREBASE_ISSUER")
    service_issuer: str = Field(default=GOOGLE_ISSUER, validation_alias="CAREGRAPH_SERVICE_ISSUER")
    api_audience: str | None = Field(default=None, validation_alias="CAREGRAPH_API_AUDIENCE")
    service_accounts: Annotated[dict[str, str] | None, NoDecode, BeforeValidator(parse_json)] = Field(
        default=None, validation_alias="CAREGRAPH_SERVICE_ACCOUNTS"
    )


def read_identity_settings() -> IdentitySettings:
    """The settings in the environment, with the local layout for all that is not set.

    Raises IdentitySettingsError or local.layout.LayoutError.
    """
    try:
        environment = _Environment()
    except ValidationError as error:
        problems = [f"{problem['loc'][0]}: {problem['msg']}" for problem in error.errors(include_input=False)]
        raise IdentitySettingsError("; ".join(problems)) from None
    layout = read_layout()
    api = layout.url("api")
    accounts: dict[str, Any] = {service_account(agent): agent for agent in AGENTS}
    return IdentitySettings(
        folder=layout.home / "identity",
        port=layout.ports["identity"] if environment.port is None else environment.port,
        project=environment.project,
        firebase_issuer=environment.firebase_issuer or f"https://securetoken.google.com/{environment.project}",
        service_issuer=environment.service_issuer,
        api_audience=environment.api_audience or api,
        service_accounts=environment.service_accounts or accounts,
        api_origins=(api, api.replace(f"//{HOST}:", "//localhost:")),
    )
