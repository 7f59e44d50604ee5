"""`caregraph agent NAME`."""

from typing import Annotated

import typer


def agent(
    name: Annotated[str, typer.Argument(help="The agent's name, for example contract.", show_default=False)],
    port: Annotated[int, typer.Option(envvar="PORT", help="Port to listen on.", min=0, max=65535)] = 8080,
    host: Annotated[
        str, typer.Option(envvar="HOST", help="Address to listen on; 0.0.0.0 in a container.")
    ] = "127.0.0.1",
) -> None:
    """Run one agent: it receives events at POST /events and writes back through GraphQL.

    Settings come from the environment: CAREGRAPH_GRAPHQL_URL, CAREGRAPH_PUSH_AUDIENCE, CAREGRAPH_PUSH_SERVICE_ACCOUNT,
    and those of the outside systems that the agent uses. What is missing is named at once. `caregraph up` runs all
    agents with everything set.
    """
    # Imported here, because `caregraph --help` must be fast.
    from agents.registry import AGENTS
    from agents.runtime.server import serve
    from integrations.settings import ConfigurationError, load
    from integrations.telemetry import TelemetrySettings, configure_telemetry, shutdown_telemetry

    entry = AGENTS.get(name)
    if entry is None:
        raise typer.BadParameter(f"there is no agent {name!r}; there are {', '.join(AGENTS)}", param_hint="NAME")
    try:
        configure_telemetry(f"{name.replace('_', '-')}-agent", load(TelemetrySettings))
        app = entry.load()()
    except ConfigurationError as error:
        typer.echo(f"The {name} agent can't start: {error}.", err=True)
        raise typer.Exit(2) from None
    try:
        serve(app, host=host, port=port)
    finally:
        shutdown_telemetry()
