"""What the local Cloud Tasks reads from its environment, once, at start."""

import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from local.layout import HOST, LOCATION, PROJECT, QUEUE, read_layout


class TasksSettings(BaseSettings):
    """Where it listens, keeps its state and gets tokens. Constructing it reads the environment."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    #: The gRPC port; 0 takes a free one.
    port: int = Field(validation_alias="PORT", ge=0, le=65535)
    #: The HTTP port of the controls.
    control_port: int = Field(validation_alias="CAREGRAPH_PORT_TASKS_CONTROL", ge=0, le=65535)
    #: The folder of its state.
    folder: Path
    #: Base URL of the identity stand-in, which mints the tokens that tasks carry.
    identity_url: str = Field(validation_alias="CAREGRAPH_IDENTITY_URL")
    #: The queue that is there from the start, as Terraform makes it in production.
    queue: str = f"projects/{PROJECT}/locations/{LOCATION}/queues/{QUEUE}"
    host: str = HOST


def read_settings(environ: Mapping[str, str] | None = None) -> TasksSettings:
    """The settings: from the environment, else as `local.layout` has them.

    Raises LayoutError or pydantic.ValidationError, which name every wrong value.
    """
    environ = os.environ if environ is None else environ
    layout = read_layout(environ)
    given = {name: environ[name] for name in ("PORT", "CAREGRAPH_IDENTITY_URL") if environ.get(name)}
    defaults = {
        "PORT": layout.ports["tasks"],
        "CAREGRAPH_PORT_TASKS_CONTROL": layout.ports["tasks_control"],
        "CAREGRAPH_IDENTITY_URL": layout.url("identity"),
    }
    return TasksSettings.model_validate({**defaults, **given, "folder": layout.home / "tasks"})
