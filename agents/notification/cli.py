"""`caregraph notifications`: what is sent when, and what one event would send."""

import os
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

import typer

notifications = typer.Typer(help="Which event tells whom what, and a preview.", no_args_is_help=True)

#: Of the outbox, or of its archive.
_EVENT = "query PreviewedEvent($id: uuid!) { events: events_history(where: {id: {_eq: $id}}, limit: 1) { type data } }"


@notifications.command("table")
def table() -> None:
    """Every message: event, template, channel, and what holds for it."""
    from agents.notification.templates import MESSAGES

    _show(
        ("event", "template", "channel", "despite opt-out", "for"),
        [
            (
                message.event.TYPE,
                message.template,
                message.channel,
                "yes" if message.essential else "no",
                message.audience.words if message.audience else "everyone",
            )
            for message in MESSAGES
        ],
    )
    typer.echo("Text messages wait until the customer's quiet hours are over.")


def _show(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A table, whose names are never broken; only its last column is."""
    from rich.console import Console
    from rich.table import Table

    shown = Table(box=None, pad_edge=False, header_style="bold")
    for heading in headings:
        shown.add_column(heading, no_wrap=heading != headings[-1], overflow="fold")
    for row in rows:
        shown.add_row(*row)
    console = Console(highlight=False)
    # Into a file or a pipe, nothing is gained by cutting at 80 columns.
    (console if console.is_terminal else Console(width=200, highlight=False)).print(shown)


def _moment(text: str) -> datetime:
    """The moment in UTC; typer.BadParameter for what is none."""
    try:
        moment = datetime.fromisoformat(text.strip())
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise typer.BadParameter(f"{text!r} is no time like 2026-01-31T22:00 or 2026-01-31T22:00Z") from None


@notifications.command("preview")
def preview(
    event_id: Annotated[UUID, typer.Argument(help="The event's id (`caregraph events list` shows some).")],
    at: Annotated[
        datetime | None,
        typer.Option(
            help="As if it were this moment instead of now: 2026-01-31T22:00, which is UTC, or with an offset or Z.",
            parser=_moment,
            metavar="TIME",
        ),
    ] = None,
) -> None:
    """What an event's customer gets, by which channel and when, or why not. Sends and writes nothing."""
    from agents.notification.preview import NoPreview, preview_event

    now = at or datetime.now(UTC)
    try:
        found = _find(event_id)
        outcomes = preview_event(found["type"], found["data"], now=now, ask=_ask)
    except NoPreview as error:
        typer.echo(f"Error: {error}", err=True)
        raise typer.Exit(1) from None
    if not outcomes:
        typer.echo(f"{found['type']} sends nothing.")
        return
    _show(
        ("template", "channel", "what happens", "fields of the template"),
        [(outcome.template, outcome.channel, outcome.what, ", ".join(outcome.fields)) for outcome in outcomes],
    )


def _find(event_id: UUID) -> Any:
    from agents.notification.preview import NoPreview

    found = _ask(_EVENT, {"id": str(event_id)})["events"]
    if not found:
        raise NoPreview(f"there is no event {event_id}; `caregraph events list` shows some")
    return found[0]


def _ask(document: str, variables: dict[str, Any]) -> Any:
    """The endpoint's answer to the administrator. Raises NoPreview."""
    import httpx

    from agents.notification.preview import NoPreview

    url = os.environ.get("CAREGRAPH_GRAPHQL_URL", "http://127.0.0.1:8080/v1/graphql")
    secret = os.environ.get("CAREGRAPH_ADMIN_SECRET", "")
    try:
        response = httpx.post(
            url,
            json={"query": document, "variables": variables},
            headers={"x-hasura-admin-secret": secret},
            timeout=10,
            trust_env=False,
        )
        answer = response.json()
    except (httpx.HTTPError, ValueError) as error:
        raise NoPreview(
            f"no answer from {url} ({type(error).__name__}); start the platform with `caregraph up`, or set "
            "CAREGRAPH_GRAPHQL_URL and CAREGRAPH_ADMIN_SECRET"
        ) from None
    if "errors" in answer:
        raise NoPreview(f"{url} answered: {answer['errors'][0]['message']}")
    return answer["data"]
