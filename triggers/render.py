"""Events, their history and the story of an aggregate, for a terminal or as JSON."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, is_dataclass
from datetime import UTC, date, datetime
from enum import Enum
from typing import Any, Final
from uuid import UUID

from rich.console import Group, RenderableType
from rich.json import JSON
from rich.markup import escape
from rich.table import Table
from rich.tree import Tree

from triggers.history import DeadLetter, Delivery, Event, Publication, ScheduledTask, State, Summary
from triggers.trace import ChangeNode, DeliveryNode, EventNode, Trace

_STATE_STYLE: Final = {State.WAITING: "yellow", State.PUBLISHED: "green", State.DEAD: "red"}
_OUTCOME_STYLE: Final = {
    "done": "green",
    "duplicate": "dim",
    "skipped": "dim",
    "retry": "yellow",
    "dead_letter": "red",
}


def to_json(value: Any) -> str:
    """Values of this package as indented JSON, times in RFC 3339."""
    return json.dumps(_plain(value), indent=2, ensure_ascii=False)


def render_list(summaries: Sequence[Summary]) -> Table:
    """A table of events, newest first."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("time", "event", "type", "key", "state", "by", "agents"):
        table.add_column(
            heading, overflow="fold" if heading in {"agents", "key"} else "ellipsis", no_wrap=heading == "event"
        )
    today = datetime.now(UTC).date()
    for summary in summaries:
        style = _STATE_STYLE[summary.state]
        state = summary.state.value
        if summary.state is State.PUBLISHED and summary.published_at is not None:
            state = f"published {_ms(summary.created_at, summary.published_at)}"
        elif summary.last_error:
            state = f"{state}, {summary.attempts} attempts"
        agents = ", ".join(
            f"{escape(agent)} {_outcome(outcome)}" for agent, outcome in sorted(summary.outcomes.items())
        )
        if summary.sequence is None and summary.last_error:
            agents += f": {escape(summary.last_error)}"
        table.add_row(
            _when(summary.created_at, today),
            f"{summary.event_id}",
            f"{escape(summary.type)}{' [dim](again)[/]' if summary.is_replay else ''}",
            escape(summary.ordering_key),
            f"[{style}]{state}[/]",
            _who(summary.role, _short(summary.user_id)),
            agents,
        )
    return table


def render_event(event: Event, trace: Trace | None = None) -> RenderableType:
    """One event: its envelope, where it went, what agents made of it, its data, and the whole trace that it is of."""
    envelope = Table.grid(padding=(0, 2))
    envelope.add_column(style="dim")
    envelope.add_column(overflow="fold")
    for name, value in (
        ("id", str(event.id)),
        ("type", escape(event.type)),
        ("topic", event.topic or "none: it came from outside"),
        ("subject", escape(event.subject)),
        ("time", f"{_time(event.created_at)} ({event.created_at.astimezone(UTC):%Y-%m-%d})"),
        ("by", _who(event.role, event.user_id)),
        ("trace", event.trace_id or "none"),
    ):
        envelope.add_row(name, value)
    tree = Tree("[bold]what became of it[/]")
    _add_event_details(tree, event, event.created_at)
    for delivery in event.deliveries:
        _add_delivery(tree, delivery, event.created_at)
    parts: list[RenderableType] = [envelope, "", tree, "", "[bold]data[/]", JSON(json.dumps(event.data))]
    if trace is not None:
        parts += ["", "[bold]the trace[/]", render_trace(trace)]
    return Group(*parts)


def render_trace(trace: Trace) -> Tree:
    """The story of an aggregate; every time is counted from the change that began its branch."""
    root = Tree(f"[bold]{escape(trace.subject)}[/]")
    for change in trace.changes:
        _add_change(root, change)
    for task in trace.tasks:
        root.add(_task(task))
    return root


def _add_change(root: Tree, change: ChangeNode) -> None:
    by = f"by {_who(change.role, change.user_id)}" if change.role else "outside the endpoint"
    branch = root.add(
        f"[bold]change[/] {by}  [dim]{change.at.astimezone(UTC):%Y-%m-%d} {_time(change.at)}"
        f"{f'  trace {change.trace_id}' if change.trace_id else ''}[/]"
    )
    for node in change.events:
        _add_event(branch, node, change.at)


def _add_event(parent: Tree, node: EventNode, origin: datetime) -> None:
    event = node.event
    branch = parent.add(f"[cyan]{escape(event.type)}[/] [dim]{event.id}[/]{_offset(origin, event.created_at)}")
    _add_event_details(branch, event, origin)
    for delivery in node.deliveries:
        _add_delivery_node(branch, delivery, origin)


def _add_event_details(branch: Tree, event: Event, origin: datetime) -> None:
    for publication in event.publications:
        branch.add(_publication(publication, event, origin))
    for dead_letter in event.dead_letters:
        branch.add(_dead_letter(dead_letter, origin))


def _add_delivery_node(branch: Tree, node: DeliveryNode, origin: datetime) -> None:
    leaf = _add_delivery(branch, node.delivery, origin)
    for followed in node.followed:
        _add_event(leaf, followed, origin)


def _add_delivery(branch: Tree, delivery: Delivery, origin: datetime) -> Tree:
    attempt = f", attempt {delivery.attempt}" if delivery.attempt > 1 else ""
    took = f" in {_ms(delivery.started_at, delivery.finished_at)}" if delivery.finished_at else ""
    error = f": {escape(delivery.error)}" if delivery.error else ""
    leaf = branch.add(
        f"{escape(delivery.agent)} agent {_outcome(delivery.outcome)}{attempt}{took}{error}"
        f"{_offset(origin, delivery.started_at)}"
    )
    for effect in delivery.effects:
        leaf.add(_effect(effect))
    return leaf


def _publication(publication: Publication, event: Event, origin: datetime) -> str:
    again = " again" if publication.is_replay else ""
    if publication.published_at is not None:
        tried = f" after {publication.attempts} attempts" if publication.attempts > 1 else ""
        return (
            f"[green]published{again}[/] to {escape(event.topic)} as message {publication.message_id}{tried}"
            f"{_offset(origin, publication.published_at)}"
        )
    error = f": {escape(publication.last_error)}" if publication.last_error else ""
    if publication.dead_lettered_at is not None:
        return f"[red]given up by the relay[/] after {publication.attempts} attempts{error}"
    return f"[yellow]waits for the relay{again}[/]{error}"


def _dead_letter(dead_letter: DeadLetter, origin: datetime) -> str:
    settled = f", {dead_letter.resolution}" if dead_letter.resolution else ""
    return (
        f"[red]dead letter[/] of {escape(dead_letter.agent)} after {dead_letter.attempts} attempts{settled}: "
        f"{escape(dead_letter.reason)}{_offset(origin, dead_letter.created_at)}"
    )


def _effect(effect: dict[str, Any]) -> str:
    what = escape(f"{effect.get('system', '?')}: {effect.get('action', '?')}")
    target = f" {escape(str(effect['id']))}" if effect.get("id") else ""
    if effect.get("skipped"):
        return f"[dim]{what}{target} skipped, {escape(str(effect['skipped']))}[/]"
    failed = f" [red]failed: {escape(str(effect['error']))}[/]" if effect.get("error") else ""
    return f"{what}{target}{failed} [dim]{effect.get('ms', '?')} ms[/]"


def _task(task: ScheduledTask) -> str:
    error = f": {escape(task.last_error)}" if task.last_error else ""
    return (
        f"[magenta]scheduled[/] {escape(task.kind)} for the {escape(task.target)} agent, due "
        f"{task.due_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC, {task.status}{error} [dim]{escape(task.name)}[/]"
    )


def _who(role: str | None, user_id: str | None) -> str:
    if role is None:
        return "[dim]—[/]"
    return escape(role if user_id is None else f"{role} {user_id}")


def _short(user_id: str | None) -> str | None:
    """A long id's end, which in a list is enough to tell people apart."""
    return f"…{user_id[-8:]}" if user_id is not None and len(user_id) > 20 else user_id


def _outcome(outcome: str) -> str:
    return f"[{_OUTCOME_STYLE.get(outcome, 'default')}]{escape(outcome)}[/]"


def _offset(origin: datetime, at: datetime) -> str:
    """How long after the origin, in the dim; nothing when at once."""
    return "" if at == origin else f" [dim]+{_ms(origin, at)}[/]"


def _ms(since: datetime, until: datetime) -> str:
    ms = (until - since).total_seconds() * 1000
    if abs(ms) < 10:
        return f"{ms:.1f} ms"
    return f"{ms:.0f} ms" if abs(ms) < 10_000 else f"{ms / 1000:.1f} s"


def _when(at: datetime, today: date) -> str:
    """The time of what is of today, of all else the day first."""
    at = at.astimezone(UTC)
    return _time(at) if at.date() == today else f"{at:%Y-%m-%d %H:%M}"


def _time(at: datetime) -> str:
    return f"{at.astimezone(UTC):%H:%M:%S.%f}"[:-3]


def _plain(value: Any) -> Any:
    """The value as `json` takes it."""
    if is_dataclass(value) and not isinstance(value, type):
        return _plain(asdict(value))
    if isinstance(value, dict):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, str | bytes):
        return [_plain(item) for item in value]
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, Enum):
        return value.value
    return str(value) if isinstance(value, UUID) else value
