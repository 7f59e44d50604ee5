"""What the local Pub/Sub reads from its environment, once, at start."""

import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from local.layout import HOST, read_layout


class PubSubSettings(BaseSettings):
    """Where it listens, keeps its state and gets tokens. Constructing it reads the environment."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    #: The gRPC port; 0 takes a free one.
    port: int = Field(validation_alias="PORT", ge=0, le=65535)
    #: The folder of its state.
    folder: Path
    #: Base URL of the identity stand-in, which mints the tokens of pushes.
    identity_url: str = Field(validation_alias="CAREGRAPH_IDENTITY_URL")
    #: The port of the status page; None: there is none.
    status_port: int | None = Field(None, validation_alias="CAREGRAPH_PUBSUB_STATUS_PORT", ge=0, le=65535)
    host: str = HOST


def read_settings(environ: Mapping[str, str] | None = None) -> PubSubSettings:
    """The settings: `PORT` and `CAREGRAPH_IDENTITY_URL`, else as `local.layout` has them.

    Raises LayoutError or pydantic.ValidationError, which name every wrong value.
    """
    environ = os.environ if environ is None else environ
    layout = read_layout(environ)
    given = {name: environ[name] for name in ("PORT", "CAREGRAPH_IDENTITY_URL") if environ.get(name)}
    defaults = {"PORT": layout.ports["pubsub"], "CAREGRAPH_IDENTITY_URL": layout.url("identity")}
    status_port = environ.get("CAREGRAPH_PUBSUB_STATUS_PORT") or None
    return PubSubSettings.model_validate(
        {**defaults, **given, "folder": layout.home / "pubsub", "CAREGRAPH_PUBSUB_STATUS_PORT": status_port}
    )
