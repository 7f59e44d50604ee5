"""`caregraph notifications`: what is sent when, and what one event would send."""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

notifications = typer.Typer(help="Which event tells whom what, and a preview.", no_args_is_help=True)

_EVENT = "query PreviewedEvent($id: uuid!) { event: events_outbox_by_pk(id: $id) { type data } }"


@notifications.command("table")
def table() -> None:
    """Every message: event, template, channel, and what holds for it."""
    from rich.console import Console
    from rich.table import Table

    from agents.notification.templates import MESSAGES

    shown = Table()
    for title in ("event", "template", "channel", "despite opt-out", "only for"):
        shown.add_column(title, overflow="fold")
    for message in MESSAGES:
        audience = _audience(message.audience)
        shown.add_row(
            message.event.TYPE, message.template, message.channel, "yes" if message.essential else "no", audience
        )
    Console().print(shown)


def _audience(chosen: Callable[[Any], bool] | None) -> str:
    """In words, from what the choosing function says of itself."""
    if chosen is None:
        return "everyone"
    said = (chosen.__doc__ or chosen.__name__).strip()
    return said.partition("\n")[0]


@notifications.command("preview")
def preview(
    event_id: Annotated[str, typer.Argument(help="The event's id (`caregraph events list` shows some).")],
    at: Annotated[
        datetime | None,
        typer.Option(help="As if it were this moment (UTC) instead of now.", formats=["%Y-%m-%dT%H:%M"]),
    ] = None,
) -> None:
    """What an event's customer gets, by which channel and when, or why not. Sends and writes nothing."""
    from rich.console import Console
    from rich.table import Table

    from agents.notification.preview import NoPreview, preview_event

    now = datetime.now(UTC) if at is None else at.replace(tzinfo=UTC)
    try:
        found = _find(event_id)
        outcomes = preview_event(found["type"], found["data"], now=now, ask=_ask)
    except NoPreview as error:
        typer.echo(f"Error: {error}", err=True)
        raise typer.Exit(1) from None
    if not outcomes:
        typer.echo(f"{found['type']} sends nothing.")
        return
    shown = Table("template", "channel", "what happens", "fields of the template")
    for outcome in outcomes:
        shown.add_row(outcome.template, outcome.channel, outcome.what, ", ".join(outcome.fields))
    Console().print(shown)


def _find(event_id: str) -> Any:
    from agents.notification.preview import NoPreview

    found = _ask(_EVENT, {"id": event_id})["event"]
    if found is None:
        raise NoPreview(f"there is no event {event_id}; `caregraph events list` shows some")
    return found


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
