"""The `caregraph` command: one typer application whose commands are declared as entry points.

Commands live next to what they run and are named in `pyproject.toml` under `caregraph.commands`. That keeps the
server free of imports of the local platform, and a production image without it simply has fewer commands.
"""

import json
import os
import sys
from importlib.metadata import entry_points
from pathlib import Path

import typer

app = typer.Typer(
    name="caregraph",
    help="Run and operate Caregraph: one GraphQL endpoint over PostgreSQL, events, and agents.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
)

#: These make or end that platform, so they go by what was typed alone.
_PLATFORM_COMMANDS = frozenset({"up", "status", "down", "reset"})


@app.callback()
def caregraph(context: typer.Context) -> None:
    """Give commands typed in a terminal the settings of the platform that runs in this checkout, if one does.

    Deployed programs and those of the local platform have CAREGRAPH_ENVIRONMENT set and are left alone. It also keeps
    `caregraph COMMAND` a group whatever number of commands is installed.
    """
    if "CAREGRAPH_ENVIRONMENT" in os.environ or context.invoked_subcommand in _PLATFORM_COMMANDS:
        return
    if context.invoked_subcommand == "serve" and _names_a_database(sys.argv):
        return
    home = Path(os.environ.get("CAREGRAPH_HOME") or Path(__file__).resolve().parents[2] / ".caregraph")
    settings = home / "run" / "environment.json"
    try:
        found = json.loads(settings.read_text())
    except FileNotFoundError:
        return
    except (OSError, ValueError) as error:
        typer.echo(f"The settings of the platform here ({settings}) can't be used: {error}", err=True)
        return
    for name, value in found.items():
        os.environ.setdefault(name, value)


def _names_a_database(arguments: list[str]) -> bool:
    """Whether `serve` was told what to serve: then nothing of the running platform may mix with it."""
    options = ("--database-url", "--hasura-metadata")
    return "DATABASE_URL" in os.environ or any(argument.startswith(options) for argument in arguments)


for _entry in sorted(entry_points(group="caregraph.commands"), key=lambda entry: entry.name):
    _command = _entry.load()
    if isinstance(_command, typer.Typer):
        app.add_typer(_command, name=_entry.name)
    else:
        app.command(name=_entry.name)(_command)
