"""`caregraph up`, `status`, `down` and `reset`: the local platform from a terminal."""

import asyncio
import json
import os
import shutil
import signal
import sys
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from local.layout import Layout
    from local.supervisor.part import State
    from local.supervisor.state import PlatformStatus

#: PostgreSQL may take a while to write everything out.
_STOP_TIMEOUT = timedelta(seconds=60)


def up() -> None:
    """Start the whole platform here and keep it running until Ctrl-C.

    Everything runs on this machine: PostgreSQL (or the one that DATABASE_URL names), Pub/Sub, identity, stand-ins for
    Chargebee, Iterable and Zendesk, the GraphQL endpoint, the relay and the agents. The first start makes the database
    and fills it with demo data; later ones find it again. Logs are in .caregraph/logs/, one file a part.

    CAREGRAPH_PORT_<NAME> moves one port, CAREGRAPH_PORT_BASE all of them, CAREGRAPH_HOME the data.
    """
    from rich.console import Console

    from local.display import make_display
    from local.lifecycle import Platform, PlatformError
    from local.welcome import print_welcome

    console = Console(highlight=False)
    platform = Platform(
        layout=_layout(),
        environ=dict(os.environ),
        display=make_display(console),
        on_ready=lambda site: print_welcome(console, site),
    )
    try:
        asyncio.run(platform.run())
    except PlatformError as error:
        _fail(str(error))
    console.print("Caregraph has stopped; nothing of it runs any more.")


def status(
    as_json: Annotated[bool, typer.Option("--json", help="Every part as JSON: name, url, state, pid.")] = False,
) -> None:
    """Show every part: its state, address and process id. Ends with status 1 when nothing runs here."""
    from local.lifecycle import state_path
    from local.supervisor.state import read_status

    layout = _layout()
    runs = _running(layout) is not None
    platform = read_status(state_path(layout)) if runs else None
    if as_json:
        parts = [part.as_json() for part in platform.parts] if platform else []
        typer.echo(json.dumps({"running": runs, "parts": parts}, indent=2))
    elif platform is None:
        typer.echo(f"Nothing runs here (state: {layout.home}). Start it with `make up` or `caregraph up`.")
    else:
        _print_parts(platform)
    if not runs:
        raise typer.Exit(code=1)


def down() -> None:
    """Stop the platform that runs here, in another terminal or in the background; fine when none does."""
    layout = _layout()
    stopped = _stop(layout)
    typer.echo("Caregraph has stopped." if stopped else "Nothing was running here.")


def reset() -> None:
    """Stop the platform if it runs and delete its data, so that the next start is a first one.

    A database that DATABASE_URL names is left as it is.
    """
    from local.postgres.cluster import remove_cluster

    layout = _layout()
    _stop(layout)
    remove_cluster(layout.postgres)
    for folder in layout.state_folders:
        shutil.rmtree(folder, ignore_errors=True)
    layout.keys.unlink(missing_ok=True)
    typer.echo(f"The data in {layout.home} is gone; the next `make up` starts afresh.")
    if os.environ.get("DATABASE_URL"):
        typer.echo("The database that DATABASE_URL names was left as it is.")


def _layout() -> "Layout":
    from local.layout import LayoutError, read_layout

    try:
        return read_layout()
    except LayoutError as error:
        _fail(str(error))


def _running(layout: "Layout") -> int | None:
    """Process id of the platform that runs here, None when none does."""
    from local.lifecycle import running_platform

    try:
        return running_platform(layout)
    except PermissionError as error:
        _fail(f"This user may not read {error.filename}: the platform there belongs to another one.")


def _stop(layout: "Layout") -> bool:
    """Stop the running platform and wait for its end; whether there was one."""
    pid = _running(layout)
    if pid is None:
        return False
    typer.echo(f"Stopping Caregraph (process {pid}) …")
    try:
        os.kill(pid, signal.SIGTERM)
    except PermissionError:
        _fail(f"Caregraph (process {pid}) was started by another user, who has to stop it.")
    except ProcessLookupError:
        pass  # it ended just now
    deadline = time.monotonic() + _STOP_TIMEOUT.total_seconds()
    while _running(layout) is not None:
        if time.monotonic() > deadline:
            _fail(f"Caregraph (process {pid}) has not stopped yet; its logs are in {layout.logs}.")
        time.sleep(0.1)
    return True


def _print_parts(platform: "PlatformStatus") -> None:
    """A line a part, never broken, so that it can be searched; what went wrong stands last."""
    from rich.console import Console
    from rich.text import Text

    from local.welcome import without_password

    headings = ("part", "state", "pid", "url")
    rows = [(part.name, str(part.state), str(part.pid or ""), without_password(part.url)) for part in platform.parts]
    widths = [max(map(len, column)) for column in zip(headings, *rows, strict=True)]
    console = Console(highlight=False)

    def show(cells: tuple[str, ...], detail: str, *styles: str) -> None:
        line = Text()
        for cell, width, style in zip(cells, widths, styles, strict=True):
            line.append(f"{cell:<{width}}  ", style)
        line.append(detail)
        line.rstrip()
        console.print(line, soft_wrap=True)

    show(headings, "", "bold", "bold", "bold", "bold")
    for part, cells in zip(platform.parts, rows, strict=True):
        restarts = {0: "", 1: "started again once"}.get(part.restarts, f"started again {part.restarts} times")
        detail = "; ".join(text for text in (part.detail, restarts) if text)
        show(cells, detail, "", _colour(part.state), "", "")


def _colour(state: "State") -> str:
    return "green" if state.settled else "red" if state == "failed" else "yellow"


def _fail(message: str) -> NoReturn:
    sys.stdout.flush()
    typer.echo(message, err=True)
    raise typer.Exit(code=1)
