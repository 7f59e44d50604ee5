"""`caregraph schema`: what a role sees, as SDL."""

from typing import Annotated

import typer


def schema(
    role: Annotated[str, typer.Option(help="The role whose schema to print, for example user.")],
) -> None:
    """Print the GraphQL schema of a role as SDL. Needs no database."""
    from server.sdl import render_sdl, roles  # noqa: PLC0415 -- keeps `caregraph --help` fast

    if role not in roles():
        typer.echo(f"There is no role {role!r}. Roles: {', '.join(roles())}.", err=True)
        raise typer.Exit(1)
    typer.echo(render_sdl(role), nl=False)
