"""The `caregraph` command: one typer application whose commands are declared as entry points.

Commands live next to what they run and are named in `pyproject.toml` under `caregraph.commands`. That keeps the
server free of imports of the local platform, and a production image without it simply has fewer commands.
"""

from importlib.metadata import entry_points

import typer

app = typer.Typer(
    name="caregraph",
    help="Run and operate Caregraph: one GraphQL endpoint over PostgreSQL, events, and agents.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
)


@app.callback()
def caregraph() -> None:
    """Keep `caregraph COMMAND` a group whatever number of commands is installed."""


for _entry in sorted(entry_points(group="caregraph.commands"), key=lambda entry: entry.name):
    _command = _entry.load()
    if isinstance(_command, typer.Typer):
        app.add_typer(_command, name=_entry.name)
    else:
        app.command(name=_entry.name)(_command)
