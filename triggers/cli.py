"""`caregraph relay`, `caregraph events …` and `caregraph trace ID`."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, TypeVar
from uuid import UUID

import typer

from triggers.options import DatabaseUrl, Json, Key, Since, Types, Until, parse_range

if TYPE_CHECKING:
    from triggers.connection import Connection
    from triggers.replay import Extent, Selection

T = TypeVar("T")

#: As at the endpoint (`discard_dead_letters`).
_LONGEST_REASON = 1_000

events = typer.Typer(
    help="Look at events, from their commit to what agents made of them, and send or settle them.", no_args_is_help=True
)


def relay(
    port: Annotated[
        int, typer.Option(envvar="PORT", help="Port of /healthz, /readyz and /metrics.", min=0, max=65535)
    ] = 8300,
    host: Annotated[
        str, typer.Option(envvar="HOST", help="Address to listen on; 0.0.0.0 in a container.")
    ] = "127.0.0.1",
) -> None:
    """Publish committed events to Pub/Sub until stopped.

    Any number of relays may run: they share the work and keep the order of each key. Settings come from the
    environment: DATABASE_URL, GOOGLE_CLOUD_PROJECT, PUBSUB_EMULATOR_HOST for a local Pub/Sub, and CAREGRAPH_RELAY_…
    """
    # Imported here, as in the other commands: `caregraph --help` must be fast.
    import asyncio

    import uvloop
    from pydantic import ValidationError

    from integrations.telemetry import configure_telemetry, shutdown_telemetry
    from triggers.service import serve_relay
    from triggers.settings import RelaySettings, ServiceSettings

    try:
        configure_telemetry("relay")
        settings = RelaySettings()
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve_relay(settings, ServiceSettings(host=host, port=port)))
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, part['loc']))}: {part['msg']}" for part in error.errors())
        typer.echo(f"The relay can't start: {wrong}.", err=True)
        raise typer.Exit(2) from None
    except OSError as error:
        typer.echo(f"The relay can't listen on {host}:{port}: {error}. Set PORT to a free one.", err=True)
        raise typer.Exit(1) from None
    finally:
        shutdown_telemetry()


@events.command("list")
def list_(
    *,
    types: Types = None,
    key: Key = None,
    state: Annotated[str | None, typer.Option(help="waiting, published or dead (given up by relay or agent).")] = None,
    since: Since = None,
    until: Until = None,
    limit: Annotated[int, typer.Option("--limit", "-n", help="How many at most.", min=1, max=10_000)] = 25,
    as_json: Json = False,
    database_url: DatabaseUrl,
) -> None:
    """The newest events: when, what, about whom, how far they got, and what each agent made of them.

    With --state dead also what came from outside and was given up, such as webhooks.
    """
    from triggers.history import Filter, State, list_events
    from triggers.render import render_list

    if state is not None and state not in set(State):
        raise typer.BadParameter(f"{state!r} is none of {', '.join(State)}", param_hint="--state")
    start, end = parse_range(since, until)
    wanted = Filter(types=_known_types(types), key=key, state=State(state) if state else None, since=start, until=end)
    summaries = query(database_url, lambda connection: list_events(connection, wanted, limit=limit))
    show_value(summaries, render_list, as_json=as_json)
    if not summaries and not as_json:
        typer.echo("No event like that.", err=True)


@events.command()
def show(
    event_id: Annotated[UUID, typer.Argument(metavar="ID", help="The event's id.", show_default=False)],
    *,
    as_json: Json = False,
    database_url: DatabaseUrl,
) -> None:
    """One event: envelope, publications, every delivery with its effects, dead letters, data, and the trace it is of.

    The trace is drawn from the mutation that began it to everything that followed, whatever that is about.
    """
    from dataclasses import asdict

    from triggers.history import Event, Story, get_event, get_story_of_trace
    from triggers.render import render_event
    from triggers.trace import build_trace

    async def ask(connection: "Connection") -> tuple[Event, Story | None]:
        event = await get_event(connection, event_id)
        return event, await get_story_of_trace(connection, event.trace_id) if event.trace_id else None

    event, story = query(database_url, ask)
    trace = build_trace(story) if story is not None else None
    if as_json:
        show_value({**asdict(event), "trace": trace}, str, as_json=True)
    else:
        show_value(event, lambda event: render_event(event, trace), as_json=False)


@events.command()
def replay(
    ids: Annotated[list[UUID] | None, typer.Argument(metavar="[ID]...", help="Events to send again.")] = None,
    *,
    types: Types = None,
    key: Key = None,
    since: Since = None,
    until: Until = None,
    dead: Annotated[bool, typer.Option("--dead", help="Only events with an open dead letter.")] = False,
    agent: Annotated[
        str | None,
        typer.Option(
            help="For this agent alone. Without anything else: the events that it gave up.", show_default=False
        ),
    ] = None,
    again: Annotated[
        bool,
        typer.Option(
            "--again", help="Do everything once more: all agents, under new ids, or the one that --agent names."
        ),
    ] = False,
    rate: Annotated[float, typer.Option(help="Events a second.", min=0.1, max=10_000)] = 100.0,
    after: Annotated[int, typer.Option(help="Go on after this sequence number.", min=0)] = 0,
    up_to: Annotated[int | None, typer.Option(help="End at this sequence number.", min=0, show_default=False)] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say how many.")] = False,
    database_url: DatabaseUrl,
) -> None:
    """Send events again, oldest first, by id, type, key, time, or because they were given up.

    They keep their ids, so that an agent that has handled one does nothing, and one that hasn't does it now. With
    --again they are new events to everyone: e-mails are sent once more. With --again --agent NAME that agent forgets
    that it has handled them, and the others do nothing.

    It says how to go on when it is interrupted, and meanwhile, should it be killed: each batch is in the outbox or not
    at all.
    """
    from dataclasses import replace

    from triggers.replay import Selection

    start, end = parse_range(since, until)
    selection = Selection(
        ids=ids or None, types=_known_types(types), key=key, since=start, until=end, only_dead=dead, after=after
    )
    if selection == Selection(after=after):
        if agent is None:
            raise typer.BadParameter("say which events: by ID, --type, --key, --since, --until, --dead or --agent")
        selection = replace(selection, only_dead=True)
    selection = replace(selection, agent=agent)
    query(
        database_url,
        lambda connection: _replay(
            connection, selection, up_to=up_to, again=again, rate=rate, ask=not yes, dry_run=dry_run
        ),
    )


@events.command()
def discard(
    ids: Annotated[list[UUID], typer.Argument(metavar="ID...", help="Events that were given up.", show_default=False)],
    *,
    reason: Annotated[str, typer.Option(help="Why nobody needs it any more; it is kept.", show_default=False)],
    agent: Annotated[
        str | None, typer.Option(help="Only what this agent gave up. Without it: anybody.", show_default=False)
    ] = None,
    database_url: DatabaseUrl,
) -> None:
    """Settle what was given up, without sending it again: its dead letters stay, and say by whom and why.

    For what came from outside (webhooks, scheduled tasks), which can't be replayed, once its sender has sent it again.
    """
    import getpass

    from triggers.discard import discard as settle

    reason = reason.strip()
    if not 1 <= len(reason) <= _LONGEST_REASON:
        raise typer.BadParameter(f"give a reason of 1 to {_LONGEST_REASON} characters", param_hint="--reason")
    by = f"{getpass.getuser()} (command line)"
    settled = query(database_url, lambda connection: settle(connection, ids, agent=agent, reason=reason, by=by))
    typer.echo(f"{settled} dead letter(s) discarded.")


def trace(
    subject: Annotated[
        str,
        typer.Argument(metavar="ID", help="Id of a contract, invoice, customer or prescription.", show_default=False),
    ],
    *,
    limit: Annotated[int, typer.Option("--limit", "-n", help="How many of its events, newest first.", min=1)] = 200,
    as_json: Json = False,
    database_url: DatabaseUrl,
) -> None:
    """The story of one contract, invoice, customer or prescription.

    Who changed it, which events that made, what every agent did about them and how long it took, what followed from
    that, and what is still planned.
    """
    from triggers.history import get_story
    from triggers.render import render_trace
    from triggers.trace import build_trace

    # Ids of ours are UUIDs, which people may copy in capitals.
    story = query(database_url, lambda connection: get_story(connection, _canonical(subject), limit=limit))
    show_value(build_trace(story), render_trace, as_json=as_json)


async def _replay(
    connection: "Connection",
    selection: "Selection",
    *,
    up_to: int | None,
    again: bool,
    rate: float,
    ask: bool,
    dry_run: bool,
) -> None:
    from dataclasses import replace as changed

    from triggers.replay import knows_agent, measure, replay, resolve

    if selection.ids is not None:
        selection = changed(selection, ids=await resolve(connection, selection.ids))
    extent = await measure(connection, selection, up_to=up_to)
    to_whom = f"for {selection.agent} alone, " if selection.agent else ""
    if again:
        how = (
            "which forgets that it has handled them"
            if selection.agent
            else "under new ids, so that all handle them anew"
        )
    else:
        how = "under their ids"
    typer.echo(f"{extent.events} event(s) to send again, {to_whom}{how}, at {rate:g} a second.", err=True)
    if selection.agent and not await knows_agent(connection, selection.agent):
        typer.echo(f"No agent called {selection.agent} has ever recorded anything. Is that its name?", err=True)
    if dry_run or not extent.events:
        return
    if ask and (again or extent.events > 1):
        typer.confirm("Go on?", abort=True, err=True)
    reached, sent = selection.after, 0
    try:
        with _bar(extent) as tell:
            async for progress in replay(connection, selection, newest=extent.newest, again=again, rate=rate):
                reached, sent = progress.reached, sent + progress.events
                tell(sent, reached)
    finally:
        if sent < extent.events:
            # With its end, because events that --again has made are of the same types and newer.
            rest = f"--after {reached} --up-to {extent.newest}"
            typer.echo(f"{sent} were sent. To go on: the same command with {rest}.", err=True)


@contextmanager
def _bar(extent: "Extent") -> Iterator[Callable[[int, int], None]]:
    """Shows how far it is, on standard error, so that a pipe gets nothing of it; in a log, by a line a second.

    What is given is called with how many were sent, and the sequence number that was reached. It's shown, because who
    is killed can't say it any more.
    """
    import time

    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("into the outbox"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, TextColumn("{task.fields[rest]}"), console=console) as bar:
        task = bar.add_task("", total=extent.events, rest="")
        told_at = 0.0

        def tell(sent: int, reached: int) -> None:
            nonlocal told_at
            rest = f"--after {reached} --up-to {extent.newest}" if sent < extent.events else ""
            bar.update(task, completed=sent, rest=rest)
            if rest and not console.is_terminal and time.monotonic() - told_at >= 1:
                told_at = time.monotonic()
                typer.echo(f"{sent} of {extent.events} sent; the rest: {rest}", err=True)

        yield tell


def query(database_url: str, ask: "Callable[[Connection], Awaitable[T]]") -> T:
    """The answer on a connection of its own; what went wrong is a sentence and an exit status."""
    import asyncio

    from triggers.connection import CONNECTION_ERRORS, connect
    from triggers.errors import EventsError

    async def run() -> T:
        async with connect(database_url, application_name="caregraph-cli") as connection:
            return await ask(connection)

    try:
        return asyncio.run(run())
    except EventsError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    except (*CONNECTION_ERRORS, ValueError, OverflowError) as error:
        problem = str(error) or ("no answer in time" if isinstance(error, TimeoutError) else type(error).__name__)
        typer.echo(
            f"PostgreSQL couldn't answer: {problem}. Is the platform up (`caregraph status`), "
            "and does DATABASE_URL name it?",
            err=True,
        )
        raise typer.Exit(1) from None


def show_value(value: T, render: "Callable[[T], object]", *, as_json: bool) -> None:
    """Print a value, as JSON or as it is rendered."""
    from rich.console import Console

    from triggers.render import to_json

    if as_json:
        typer.echo(to_json(value))
    else:
        console = Console()
        # Into a file or a pipe, nothing is gained by cutting at 80 columns.
        (console if console.is_terminal else Console(width=200)).print(render(value))


def _known_types(types: list[str] | None) -> list[str] | None:
    from triggers.event_types import EVENT_TYPES

    for name in types or ():
        if name not in EVENT_TYPES:
            raise typer.BadParameter(f"there is no event type {name!r}; there are {', '.join(EVENT_TYPES)}")
    return types or None


def _canonical(subject: str) -> str:
    try:
        return str(UUID(subject))
    except ValueError:
        return subject
