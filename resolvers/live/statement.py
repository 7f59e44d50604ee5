"""A compiled subscription, and the statement that answers many of its subscribers at once (`resolvers.sql.live`).

All binds are of the subscriber: variables, session values, and constants, too, so that documents that differ in their
literals only share a statement.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from resolvers import ir
from resolvers.binding import STREAM_CURSOR, Binder, Request, binder
from resolvers.doubts import Doubt, doubts_about
from resolvers.live.routes import Keys
from resolvers.sensitive import SensitiveRead
from resolvers.sql.live import live_sql

#: Keys of one kind that a subscriber may have; with more of them it is not worth knowing them.
MAX_KEYS: Final = 250

#: One subscriber's binds, as text.
Binds = tuple[str | None, ...]
Proofs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveStatement:
    """A statement over many rows of binds. Its columns: number, result as JSON, a stream's new cursor, keys."""

    sql: str
    binders: tuple[Binder, ...]
    #: What has to be proven of a subscriber's binds.
    doubts: tuple[Doubt, ...]
    #: Which of the binds is a stream's cursor, if this is a stream.
    cursor: int | None

    def binds(self, request: Request) -> Binds:
        """The binds of one subscriber. Raises WrongKind or GraphQLRequestError."""
        return tuple(_text(bind(request)) for bind in self.binders)

    def unproven(self, request: Request) -> Proofs:
        """What has to be proven of a subscriber's binds: a statement that fails on bad text, and the text."""
        if not self.doubts:
            return ()
        values = [bind(request) for bind in self.binders]
        return tuple((doubt.proof, text) for doubt in self.doubts for text in doubt.find(values))


def render_live(root: ir.RootQuery | ir.RootStream, keys: Sequence[Keys] = ()) -> LiveStatement:
    """The statement for the root field. Pure; the binds are the same whatever the keys."""
    sql, params = live_sql(root, keys, MAX_KEYS)
    is_cursor = [param.source == ir.FromSession(STREAM_CURSOR) for param in params]
    return LiveStatement(
        sql=sql,
        binders=tuple(binder(param) for param in params),
        doubts=doubts_about(params),
        cursor=is_cursor.index(True) if True in is_cursor else None,
    )


def row_arguments(rows: Sequence[Binds]) -> list[list[Any]]:
    """The statement's arguments for these subscribers, numbered from 0."""
    columns: list[list[Any]] = [list(range(len(rows)))]
    columns.extend(map(list, zip(*rows, strict=True)))
    return columns


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SubscriptionPlan:
    """A compiled subscription."""

    root: ir.RootQuery | ir.RootStream
    #: `{"key":`, what stands before the result in the response's data.
    prefix: bytes
    #: Without any keys. Subscribers with the same text form a group.
    statement: LiveStatement

    def binds(self, request: Request) -> Binds:
        """The binds of one subscriber. Raises WrongKind or GraphQLRequestError."""
        if isinstance(self.root, ir.RootStream):
            request.stream_cursor = binder(self.root.initial)(request)
        return self.statement.binds(request)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """A subscription as one subscriber asks for it."""

    #: Of the role, or of the caller's part of it.
    role: Hashable
    plan: SubscriptionPlan
    binds: Binds
    #: To be proven before it joins others, whose statement its binds would break.
    unproven: Proofs = ()
    #: What the role lets a statement take, if it says.
    timeout_s: float | None = None
    #: What goes on record with each result.
    sensitive: SensitiveRead | None = None


def _text(value: Any) -> str | None:
    """A bind as it stands in a row: a list as PostgreSQL's array literal."""
    if not isinstance(value, list):
        return value  # type: ignore[no-any-return] # binders give text, None or lists of text
    items = ('"' + item.replace("\\", "\\\\").replace('"', '\\"') + '"' for item in value)
    return "{" + ",".join(items) + "}"
