"""`caregraph seed`: load the demo data."""

from typing import Annotated, NoReturn

import typer


def seed(
    *,
    database_url: Annotated[
        str,
        typer.Option(
            envvar="DATABASE_URL", help="The database, as postgresql://user@host:port/name.", show_default=False
        ),
    ],
    force: Annotated[bool, typer.Option("--force", help="Remove every row of every table first.")] = False,
    environment: Annotated[str, typer.Option(envvar="CAREGRAPH_ENVIRONMENT", hidden=True)] = "development",
) -> None:
    """Load the demo data: 256 customers with contracts, billing and charts, and the people who look after them.

    Does nothing when it is there. Ada (ada@example.com) is a customer, Mira (mira@example.com) her doctor, Theo
    (theo@example.com) of the care coordination team, Ines (ines@example.com) an operator.
    """
    # Here, so that --help is fast.
    import asyncio

    from local.demo.loader import DemoDataError, load

    if environment == "production":
        _refuse("CAREGRAPH_ENVIRONMENT is production: demo data has no place there.")
    try:
        loaded = asyncio.run(load(database_url, force=force))
    except DemoDataError as error:
        _refuse(str(error))
    if loaded.rows:
        typer.echo(f"{loaded.rows} rows loaded in {loaded.duration.total_seconds():.1f} s.")
    else:
        typer.echo("The demo data is there already.")


def _refuse(reason: str) -> NoReturn:
    typer.secho(reason, fg=typer.colors.RED, err=True)
    raise typer.Exit(1)
