"""`caregraph schema`: what a role sees, as SDL."""

from typing import Annotated

import typer


def schema(
    role: Annotated[str, typer.Option(help="The role whose schema to print, for example user.")],
) -> None:
    """Print the GraphQL schema of a role as SDL. Needs no database."""
    from graphql import print_schema  # noqa: PLC0415 -- keeps `caregraph --help` fast

    from permissions.rules import RULES  # noqa: PLC0415
    from permissions.view import ADMIN  # noqa: PLC0415
    from server.sdl import role_schema  # noqa: PLC0415

    if role != ADMIN and role not in RULES:
        typer.echo(f"There is no role {role!r}. Roles: {', '.join([ADMIN, *sorted(RULES)])}.", err=True)
        raise typer.Exit(1)
    typer.echo(print_schema(role_schema(role).graphql_schema))
