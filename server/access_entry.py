"""Entries of `audit.access` as COPY takes them, made a few dozen at a time.

One by one, each would take twice as long, since between two requests the processor's caches forget how an entry is
made; a thousand at a time as well, since they have forgotten the requests by then. What is the same in many entries is
put together once, and the rest by one call of `struct`. In COPY's binary format
(https://www.postgresql.org/docs/current/sql-copy.html, "Binary Format") there is nothing to escape, and PostgreSQL
parses neither keys nor times.
"""

import secrets
import struct
from collections.abc import Iterable, Sequence
from typing import Final, TypedDict

from integrations.telemetry.context import RequestContext
from integrations.telemetry.tracing import TraceContext
from permissions.session import Session
from resolvers.sensitive import SensitiveRead

#: In the order of an entry's fields.
COLUMNS: Final = (
    *("id", "created_at", "row_count", "request_id", "traceparent", "role", "user_id", "operation", "tables"),
)
#: What stands before the entries and after them.
SIGNATURE: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER: Final = b"\xff\xff"

#: How an entry begins: its number of fields, and how long the first is.
_START: Final = struct.pack(">hi", len(COLUMNS), 16)
_NULL: Final = b"\xff\xff\xff\xff"
#: Id (two halves), time, rows.
_HEAD: Final = struct.Struct(">6sQQiqii")
#: The same, and how long the request id is.
_HEAD_AND_LENGTH: Final = struct.Struct(">6sQQiqiii")
#: Of our own request ids; others may have other lengths.
_REQUEST_ID_CHARACTERS: Final = 36
#: Of a traceparent, and the same as the text that COPY's four bytes of it look like.
_TRACEPARENT_CHARACTERS: Final = 55
_TRACEPARENT_LENGTH: Final = f"\0\0\0{chr(_TRACEPARENT_CHARACTERS)}"
#: PostgreSQL's times are microseconds since 2000 began (UTC).
_EPOCH_US: Final = 946_684_800_000_000
_TEXT_OID: Final = 25
#: Sessions and reads whose parts are kept.
_KEPT: Final = 10_000


#: A read that was answered: who, what, how many rows, by which request, in which trace (None: the request's own), and
#: when (Unix time in nanoseconds).
NotedRead = tuple[Session, SensitiveRead, int, RequestContext | None, TraceContext | None, int]


class Described(TypedDict):
    """What an entry says, for the log."""

    role: str
    user_id: str | None
    operation: str | None
    tables: tuple[str, ...]
    row_count: int
    #: A log line has a request id of its own.
    of_request: str | None
    #: Unix time.
    read_at: float


class EntryMaker:
    """Makes entries, each with an id of its own."""

    def __init__(self) -> None:
        # By identity: a session's hash takes longer than its text. The object is kept, so that its id stays its own.
        self._who: dict[int, tuple[Session, bytes]] = {}
        self._what: dict[int, tuple[SensitiveRead, bytes]] = {}
        # The second half of a UUID: its variant, and a counter from a random number on, as RFC 9562, 6.2, has it
        # (method 1). The first half is the time to the microsecond (method 3).
        self._number = (0b10 << 62) + secrets.randbits(61)

    def make(self, reads: Iterable[NotedRead]) -> list[bytes]:
        """Their entries."""
        entries = []
        for session, read, row_count, request, entered, at_ns in reads:
            kept = self._who.get(id(session))
            who = kept[1] if kept is not None else self._keep_who(session)
            kept_read = self._what.get(id(read))
            what = kept_read[1] if kept_read is not None else self._keep_what(read)
            now_us = at_ns // 1000
            self._number += 1
            first_half = (now_us // 1000 << 16) | 0x7000 | (now_us % 1000 << 2)
            since_epoch_us = now_us - _EPOCH_US
            request_id = traceparent = None
            if request is not None:
                request_id = request.request_id
                traceparent = request.find_traceparent()
            if entered is not None:
                traceparent = entered.traceparent
            if (
                request_id is not None
                and traceparent is not None
                and len(request_id) == _REQUEST_ID_CHARACTERS
                and len(traceparent) == _TRACEPARENT_CHARACTERS
            ):
                head = _HEAD_AND_LENGTH.pack(
                    _START, first_half, self._number, 8, since_epoch_us, 4, row_count, _REQUEST_ID_CHARACTERS
                )
                # A byte a character, since whatever isn't ASCII is replaced.
                ids = f"{request_id}{_TRACEPARENT_LENGTH}{traceparent}".encode("ascii", "replace")
            else:
                head = _HEAD.pack(_START, first_half, self._number, 8, since_epoch_us, 4, row_count)
                ids = _text(request_id) + _text(traceparent)
            entries.append(head + ids + who + what)
        return entries

    def _keep_who(self, session: Session) -> bytes:
        if len(self._who) >= _KEPT:
            self._who.clear()
        who = _text(session.role) + _text(session.user_id)
        self._who[id(session)] = (session, who)
        return who

    def _keep_what(self, read: SensitiveRead) -> bytes:
        if len(self._what) >= _KEPT:
            self._what.clear()
        # One dimension, no nulls, so many elements counted from 1.
        tables = struct.pack(">iiIii", 1, 0, _TEXT_OID, len(read.tables), 1) + b"".join(map(_text, read.tables))
        what = _text(read.operation) + struct.pack(">i", len(tables)) + tables
        self._what[id(read)] = (read, what)
        return what


def join_entries(entries: Sequence[bytes]) -> bytes:
    """What COPY … WITH (FORMAT binary) takes."""
    return b"".join((SIGNATURE, *entries, TRAILER))


def describe_entry(entry: bytes) -> Described:
    """What an entry says."""
    fields = dict(zip(COLUMNS, _read_fields(entry), strict=True))
    (created_at,) = struct.unpack(">q", fields["created_at"] or bytes(8))
    (row_count,) = struct.unpack(">i", fields["row_count"] or bytes(4))
    return Described(
        role=(fields["role"] or b"").decode(),
        user_id=_decoded(fields["user_id"]),
        operation=_decoded(fields["operation"]),
        tables=_read_tables(fields["tables"] or b""),
        row_count=row_count,
        of_request=_decoded(fields["request_id"]),
        read_at=(created_at + _EPOCH_US) / 1e6,
    )


def _text(value: str | None) -> bytes:
    if value is None:
        return _NULL
    # What text can't hold in PostgreSQL: one odd character must not keep the other entries out.
    encoded = value.replace("\0", "").encode("utf-8", "replace")
    return struct.pack(">i", len(encoded)) + encoded


def _decoded(value: bytes | None) -> str | None:
    return None if value is None else value.decode()


def _read_fields(entry: bytes) -> list[bytes | None]:
    fields: list[bytes | None] = []
    position = 2
    while position < len(entry):
        field, position = _read_field(entry, position)
        fields.append(field)
    return fields


def _read_tables(array: bytes) -> tuple[str, ...]:
    tables = []
    position = struct.calcsize(">iiIii")
    while position < len(array):
        field, position = _read_field(array, position)
        tables.append((field or b"").decode())
    return tuple(tables)


def _read_field(data: bytes, position: int) -> tuple[bytes | None, int]:
    """A field, and where the next one begins."""
    (length,) = struct.unpack_from(">i", data, position)
    position += 4
    if length < 0:
        return None, position
    return data[position : position + length], position + length
