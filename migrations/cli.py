"""`caregraph migrate`: bring a database to a revision."""

from typing import Annotated

import typer


def migrate(
    revision: Annotated[
        str, typer.Argument(help="Revision to go to: head, base (nothing), or an id such as 0001.")
    ] = "head",
    *,
    database_url: Annotated[
        str,
        typer.Option(
            envvar="DATABASE_URL", help="The database, as postgresql://user@host:port/name.", show_default=False
        ),
    ],
    down: Annotated[bool, typer.Option("--down", help="Go back to the revision instead of up to it.")] = False,
) -> None:
    """Create or change the database's tables to what this version of Caregraph needs.

    Safe to run any number of times, and by several at once: one migrates, the others wait. Each revision is one
    transaction; if one fails, the database stays at the one before.
    """
    # Here, so that --help is fast.
    import asyncio

    from migrations.errors import MigrationError
    from migrations.runner import downgrade, upgrade

    applied: list[str] = []

    def show(line: str) -> None:
        applied.append(line)
        typer.echo(f"  {line}")

    if down and revision == "head":
        typer.secho(
            "Say how far down: `caregraph migrate --down 0001`, or base for nothing.", fg=typer.colors.RED, err=True
        )
        raise typer.Exit(2)
    step = downgrade if down else upgrade
    try:
        asyncio.run(step(database_url, revision, progress=show))
    except MigrationError as error:
        typer.secho(str(error), fg=typer.colors.RED, err=True)
        raise typer.Exit(1) from error
    if not applied:
        typer.echo("Nothing to do: the database is there already.")
