"""`caregraph serve`: the API."""

import gc
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from server.settings import ServerSettings


def serve(
    port: Annotated[int, typer.Option(help="The port to listen on.", envvar="PORT")] = 8080,
    host: Annotated[
        str, typer.Option(help="The address to listen on; 0.0.0.0 in a container.", envvar="HOST")
    ] = "127.0.0.1",
    workers: Annotated[int, typer.Option(help="Server processes.", min=1)] = 1,
    database_url: Annotated[
        str | None, typer.Option(help="PostgreSQL to serve, instead of DATABASE_URL.", show_default=False)
    ] = None,
    hasura_metadata: Annotated[
        Path | None,
        typer.Option(help="Serve the database as this exported Hasura metadata folder says.", show_default=False),
    ] = None,
    strict: Annotated[bool, typer.Option(help="Refuse metadata that can't be honoured in full.")] = False,
    relay: Annotated[
        bool, typer.Option("--relay", help="Publish events from this process too, in place of `caregraph relay`.")
    ] = False,
) -> None:
    """Serve the GraphQL API and GraphiQL. Settings come from the environment (server/settings.py lists them).

    With --hasura-metadata any database is served, with the tables, relationships, permissions and functions of the
    metadata, and admin secret and JWT settings by Hasura's names (HASURA_GRAPHQL_ADMIN_SECRET …).
    """
    # Nearly all that imports make stays. The application turns the collector on.
    gc.disable()
    import uvicorn  # noqa: PLC0415 -- keeps `caregraph --help` fast

    # The server's processes read their settings from the environment.
    if database_url is not None:
        os.environ["DATABASE_URL"] = database_url
    if hasura_metadata is not None:
        os.environ["CAREGRAPH_HASURA_METADATA"] = str(hasura_metadata.resolve())
    if relay:
        os.environ["CAREGRAPH_SERVE_BESIDE"] = '["relay"]'
    settings = _check_settings(strict=strict)
    uvicorn.run(
        "server.application:application_from_environment",
        factory=True,
        host=host,
        port=port,
        workers=workers,
        loop="uvloop",
        http="server.protocol:GraphQLProtocol",  # httptools, with a short way to the endpoint
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=10,
        # Compression keeps some 30 kB a socket; a ping every 20 s to each of ten thousand takes a tenth of a core.
        ws_per_message_deflate=False,
        ws_ping_interval=45.0,
        ws_ping_timeout=20.0,
        # Room for the sentence that refuses a message a little too big; beyond it nothing is kept.
        ws_max_size=2 * settings.max_request_bytes,
    )


def _check_settings(*, strict: bool) -> "ServerSettings":
    """Read everything once more than needed, so that a mistake is one sentence and not a worker's stack trace."""
    from server.authentication.errors import AuthenticationSettingsError  # noqa: PLC0415
    from server.authentication.settings import read_authentication_settings  # noqa: PLC0415
    from server.settings import SettingsError, read_server_settings  # noqa: PLC0415

    try:
        settings = read_server_settings()
        read_authentication_settings()
    except (SettingsError, AuthenticationSettingsError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None
    if settings.hasura_metadata is not None:
        _check_metadata(settings.database_url.get_secret_value(), settings.hasura_metadata, strict=strict)
    return settings


def _check_metadata(database_url: str, folder: Path, *, strict: bool) -> None:
    import asyncio  # noqa: PLC0415

    import asyncpg  # noqa: PLC0415

    from server.hasura.files import MetadataError  # noqa: PLC0415
    from server.source import hasura_source  # noqa: PLC0415

    try:
        source = asyncio.run(hasura_source(database_url, folder))
    except MetadataError as error:
        typer.echo(f"The Hasura metadata can't be read: {error}", err=True)
        raise typer.Exit(2) from None
    except (OSError, asyncpg.PostgresError) as error:
        typer.echo(f"The database can't be reached: {error}", err=True)
        raise typer.Exit(2) from None
    for problem in source.problems:
        typer.echo(f"Not honoured: {problem}", err=True)
    if strict and source.problems:
        typer.echo("Refused, since --strict was given.", err=True)
        raise typer.Exit(2)
