"""`caregraph schema`: what a role sees, as SDL."""

from typing import Annotated

import typer


def schema(
    role: Annotated[str, typer.Option(help="The role whose schema to print, for example user.")],
    agent: Annotated[
        str | None, typer.Option(help="Of role service, an agent whose part to print.", show_default=False)
    ] = None,
) -> None:
    """Print the GraphQL schema of a role as SDL. Needs no database."""
    from server.sdl import agents_of, render_sdl, roles  # noqa: PLC0415 -- keeps `caregraph --help` fast

    if role not in roles():
        typer.echo(f"There is no role {role!r}. Roles: {', '.join(roles())}.", err=True)
        raise typer.Exit(1)
    if agent is not None and agent not in agents_of(role):
        known = ", ".join(agents_of(role)) or "none, leave --agent out"
        typer.echo(f"Role {role} has no part for {agent!r}. It has parts for: {known}.", err=True)
        raise typer.Exit(1)
    typer.echo(render_sdl(role, agent), nl=False)
