"""The server's settings, read from the environment once at start.

| variable | meaning |
|---|---|
| `DATABASE_URL` | PostgreSQL, `postgresql://…` |
| `CAREGRAPH_ENVIRONMENT` | `development` (default), `staging` or `production` |
| `CAREGRAPH_POOL_SIZE` | database connections of one process (default 16) |
| `CAREGRAPH_STATEMENT_TIMEOUT_S` | what one statement may take (default 30) |
| `CAREGRAPH_SHARED_READS` | whether the same slow reads run once for all who wait (default `true`) |
| `CAREGRAPH_MAX_REQUEST_BYTES` | what one request may carry (default 1 MiB) |
| `CAREGRAPH_MAX_SOCKET_OPERATIONS` | operations that one WebSocket may have open (default 100) |
| `CAREGRAPH_SOCKET_INIT_TIMEOUT_S` | how long a WebSocket may wait before it says who it is (default 15) |
| `CAREGRAPH_LIMITS` | JSON object, role → limits, over the defaults (`server/limits.py`) |
| `CAREGRAPH_RATE_LIMIT_STORAGE` | counts rates: `async+memory://` (default), or for all processes `async+redis://…` |
| `CAREGRAPH_ALLOW_LIST` | folder of `.graphql` files: the operations for roles with `allow_list` |
| `CAREGRAPH_HASURA_METADATA` | a metadata folder: serve the database as it says instead of as our own |
| `CAREGRAPH_CORS_ORIGINS` | JSON list of the portals' origins |

Authentication has its own (`server.authentication.settings`), and so has telemetry.
"""

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from server.limits import RoleLimits, over_defaults


class SettingsError(ValueError):
    """The environment can't work; the message names every variable that is missing or wrong."""


class ServerSettings(BaseSettings):
    """What the API needs to know; read by `read_server_settings`."""

    model_config = SettingsConfigDict(
        frozen=True, extra="ignore", env_ignore_empty=True, populate_by_name=True, hide_input_in_errors=True
    )

    database_url: SecretStr = Field(validation_alias="DATABASE_URL")
    environment: Literal["development", "staging", "production"] = Field(
        "development", validation_alias="CAREGRAPH_ENVIRONMENT"
    )
    pool_size: int = Field(16, ge=1, le=500, validation_alias="CAREGRAPH_POOL_SIZE")
    statement_timeout_s: float = Field(30.0, gt=0, validation_alias="CAREGRAPH_STATEMENT_TIMEOUT_S")
    shared_reads: bool = Field(True, validation_alias="CAREGRAPH_SHARED_READS")
    max_request_bytes: int = Field(1024 * 1024, ge=1024, validation_alias="CAREGRAPH_MAX_REQUEST_BYTES")
    max_socket_operations: int = Field(100, ge=1, validation_alias="CAREGRAPH_MAX_SOCKET_OPERATIONS")
    socket_init_timeout_s: float = Field(15.0, gt=0, validation_alias="CAREGRAPH_SOCKET_INIT_TIMEOUT_S")
    limits: dict[str, RoleLimits] = Field(
        default_factory=lambda: over_defaults({}), validation_alias="CAREGRAPH_LIMITS"
    )
    rate_limit_storage: str = Field("async+memory://", validation_alias="CAREGRAPH_RATE_LIMIT_STORAGE")
    allow_list: Path | None = Field(None, validation_alias="CAREGRAPH_ALLOW_LIST")
    hasura_metadata: Path | None = Field(None, validation_alias="CAREGRAPH_HASURA_METADATA")
    #: Names of the entry-point group `caregraph.beside`: what runs in this process as well.
    beside: tuple[str, ...] = Field((), validation_alias="CAREGRAPH_SERVE_BESIDE")
    cors_origins: tuple[str, ...] = Field((), validation_alias="CAREGRAPH_CORS_ORIGINS")

    @field_validator("database_url")
    @classmethod
    def _postgresql(cls, value: SecretStr) -> SecretStr:
        if not value.get_secret_value().startswith(("postgresql://", "postgres://")):
            raise ValueError("it must begin with postgresql://")
        return value

    @field_validator("rate_limit_storage")
    @classmethod
    def _known_storage(cls, value: str) -> str:
        if not value.startswith(("async+memory://", "async+redis://", "async+rediss://")):
            raise ValueError("it must begin with async+memory://, async+redis:// or async+rediss://")
        return value

    @field_validator("limits")
    @classmethod
    def _over_defaults(cls, value: dict[str, RoleLimits]) -> dict[str, RoleLimits]:
        return over_defaults(value)


def read_server_settings() -> ServerSettings:
    """The settings in the environment. Raises SettingsError that names everything wrong with them."""
    try:
        return ServerSettings()
    except ValidationError as error:
        problems = [
            (".".join(map(str, problem["loc"])), "it is not set" if problem["type"] == "missing" else problem["msg"])
            for problem in error.errors(include_input=False)
        ]
        listed = "\n".join(f"- {name}: {what}" for name, what in problems)
        raise SettingsError(f"The server's settings can't work:\n{listed}") from None
