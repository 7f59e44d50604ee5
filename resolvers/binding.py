"""Binds: from a request of a plan's shape to the arguments of its statement."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from permissions.session import Session
from resolvers import ir
from resolvers.columns import Alike, Column, Columns, array_text, columns_of
from resolvers.cursor import decode_cursor
from resolvers.errors import GraphQLRequestError
from resolvers.sql.writer import SESSION_JSON
from resolvers.values import ColumnEncoder, WrongKind, column_encoder, encoder, list_encoder

#: Another source that is not a session variable: the trace context.
TRACEPARENT = "traceparent"
#: The JSON rows that the first of two statements answered.
CHANGED_ROWS = "changed-rows"
#: How far a streaming subscription has come.
STREAM_CURSOR = "stream-cursor"
#: How many rows a nested insert wrote at all its levels.
AFFECTED_ROWS = "affected-rows"


@dataclass(slots=True)
class Slot:
    """The rows that a step of a nested update found: as PostgreSQL wrote them, and read."""

    text: str
    rows: list[Mapping[str, Any]]
    #: Whose turn it is.
    current: int = 0


@dataclass(slots=True)
class Request:
    """What binds are taken from."""

    variables: Mapping[str, Any]
    session: Session
    #: Gives the W3C trace context, or nothing: most operations don't ask for it.
    trace: Callable[[], str] = str
    changed_rows: str = ""
    affected_rows: int = 0
    stream_cursor: Any = None
    #: The columns of variables that hold many rows.
    columns: dict[str, Columns] = field(default_factory=dict)
    #: The rows that steps of a nested insert wrote, by the step's number.
    steps: dict[int, Mapping[str, Any]] = field(default_factory=dict)
    #: The rows that steps of a nested update found, by the slot they are kept in.
    slots: dict[int, Slot] = field(default_factory=dict)


Binder = Callable[[Request], Any]


def binder(param: ir.Param) -> Binder:
    """How the bind is taken from a request. It raises WrongKind for a value the type does not take."""
    if isinstance(param.source, tuple):
        items = [_source_binder(source, encoder(param.type)) for source in param.source]
        if param.many:
            return lambda request: [item(request) for item in items]
        array = encoder(param.type)
        raw = [_source_binder(source, _identity) for source in param.source]
        return lambda request: array([item(request) for item in raw])
    if isinstance(param.source, ir.EachRow):
        if param.source.alike:
            return _alike_binder(param.source, encoder(param.type))
        return _each_row_binder(param.source, column_encoder(param.type))
    if param.part is not None:
        return _source_binder(param.source, _cursor_part(param.part))
    return _source_binder(param.source, list_encoder(param.type) if param.many else encoder(param.type))


def _each_row_binder(source: ir.EachRow, encode: ColumnEncoder) -> Binder:
    def bind(request: Request) -> str | None:
        values, kinds = _column(source, request)
        if isinstance(values, Alike):
            return None
        # An array's text, since the driver takes ten times as long for a list.
        return array_text(encode(values, kinds))

    return bind


def _alike_binder(source: ir.EachRow, encode: Callable[[Any], Any]) -> Binder:
    def bind(request: Request) -> Any:
        values, _kinds = _column(source, request)
        return None if not isinstance(values, Alike) or values.value is None else encode(values.value)

    return bind


def _column(source: ir.EachRow, request: Request) -> Column:
    columns = request.columns.get(source.variable)
    if columns is None:
        columns = columns_of(request.variables[source.variable])
        assert columns is not None, "the plan is kept for rows that have columns"
        request.columns[source.variable] = columns
    column = columns[source.key]
    if not source.nullable and type(None) in column[1]:
        raise WrongKind(f"unexpected null value for '{source.key}'")
    return column


def _cursor_part(part: ir.CursorPart) -> Callable[[Any], str | None]:
    return lambda cursor: decode_cursor(cursor, part.fingerprint, part.length)[part.number]


def _identity(value: Any) -> Any:
    return value


def _source_binder(source: ir.Source, encode: Callable[[Any], Any]) -> Binder:
    match source:
        case ir.Const(None):
            return lambda _request: None
        case ir.Const(value):
            constant = encode(value)
            return lambda _request: constant
        case ir.FromVariables((str() as name,)):
            return lambda request: encode(request.variables[name])
        case ir.FromVariables(path):
            return lambda request: encode(_dig(request.variables, path))
        case ir.FromSession(name):
            return _session_binder(name)
        case ir.FromStep(step, column):
            return lambda request: _encoded_or_null(encode, request.steps[step][column])
        case ir.FromSlot(slot, column):
            return lambda request: _text_or_null(encode, request.slots[slot], column)
        case ir.SlotRows(slot):
            return lambda request: request.slots[slot].text
    raise AssertionError(f"unknown source {source}")


def _encoded_or_null(encode: Callable[[Any], Any], value: Any) -> Any:
    return None if value is None else encode(value)


def _text_or_null(encode: Callable[[Any], Any], slot: Slot, column: str) -> Any:
    value = slot.rows[slot.current][column]
    return value if value is None or isinstance(value, str) else encode(value)


def _dig(value: Any, path: tuple[str | int, ...]) -> Any:
    for step in path:
        value = value[step]
    return value


def _session_binder(name: str) -> Binder:
    if name == SESSION_JSON:
        return lambda request: request.session.json
    if name == TRACEPARENT:
        return lambda request: request.trace()
    if name == CHANGED_ROWS:
        return lambda request: request.changed_rows
    if name == STREAM_CURSOR:
        return lambda request: request.stream_cursor
    if name == AFFECTED_ROWS:
        return lambda request: str(request.affected_rows)

    def bind(request: Request) -> str:
        value = request.session.variables.get(name)
        if value is None:
            raise GraphQLRequestError("not-found", f'missing session variable: "{name}"')
        return value

    return bind
