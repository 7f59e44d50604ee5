"""`caregraph serve`: the API."""

from typing import Annotated

import typer


def serve(
    port: Annotated[int, typer.Option(help="The port to listen on.", envvar="PORT")] = 8080,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    workers: Annotated[int, typer.Option(help="Server processes.", min=1)] = 1,
) -> None:
    """Serve the GraphQL API and GraphiQL. Settings come from the environment (server/settings.py lists them)."""
    import uvicorn  # noqa: PLC0415 -- keeps `caregraph --help` fast

    from server.authentication.errors import AuthenticationSettingsError  # noqa: PLC0415
    from server.authentication.settings import read_authentication_settings  # noqa: PLC0415
    from server.settings import SettingsError, read_server_settings  # noqa: PLC0415

    try:
        # Read here once more than needed, so that a mistake is one sentence and not a worker's stack trace.
        read_server_settings()
        read_authentication_settings()
    except (SettingsError, AuthenticationSettingsError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None
    uvicorn.run(
        "server.application:application_from_environment",
        factory=True,
        host=host,
        port=port,
        workers=workers,
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=10,
    )
