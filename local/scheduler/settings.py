"""What the local scheduler reads from its environment, once, at start."""

import json
import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from local.layout import HOST, read_layout


class CronSettings(BaseSettings):
    """Whom it calls, as whom, and which jobs. Constructing it reads the environment."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    #: The port of /healthz and /metrics.
    port: int = Field(validation_alias="PORT", ge=0, le=65535)
    #: Base URL of `caregraph scheduler`, and the audience of the tokens.
    scheduler_url: str = Field(validation_alias="CAREGRAPH_SCHEDULER_AUDIENCE")
    service_account: str = Field(validation_alias="CAREGRAPH_CRON_SERVICE_ACCOUNT")
    identity_url: str = Field(validation_alias="CAREGRAPH_IDENTITY_URL")
    #: Agents that run: jobs of others are left out.
    agent_urls: dict[str, str] = Field(default_factory=dict, validation_alias="CAREGRAPH_AGENT_URLS")
    #: Where the turned clock tells the time; None: the machine's.
    clock_url: str | None = Field(None, validation_alias="CAREGRAPH_CLOCK_URL")
    file: Path
    host: str = HOST


def read_settings(environ: Mapping[str, str] | None = None) -> CronSettings:
    """The settings; raises LayoutError or pydantic.ValidationError, which name every wrong value."""
    environ = os.environ if environ is None else environ
    layout = read_layout(environ)
    defaults = {
        "PORT": layout.ports["cron"],
        "CAREGRAPH_IDENTITY_URL": layout.url("identity"),
        "CAREGRAPH_SCHEDULER_AUDIENCE": layout.url("scheduler"),
    }
    given = {
        name: environ[name]
        for name in (
            *("PORT", "CAREGRAPH_IDENTITY_URL", "CAREGRAPH_SCHEDULER_AUDIENCE"),
            *("CAREGRAPH_CRON_SERVICE_ACCOUNT", "CAREGRAPH_CLOCK_URL"),
        )
        if environ.get(name)
    }
    agent_urls = json.loads(environ.get("CAREGRAPH_AGENT_URLS") or "{}")
    return CronSettings.model_validate(
        {**defaults, **given, "CAREGRAPH_AGENT_URLS": agent_urls, "file": layout.home / "cron" / "called.json"}
    )
