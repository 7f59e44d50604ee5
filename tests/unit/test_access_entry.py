"""Entries of audit.access as COPY takes them: what goes in comes out, and no two have the same id."""

import struct
import time
import uuid

import pytest

from integrations.telemetry.context import RequestContext
from integrations.telemetry.tracing import TraceContext
from permissions.session import Session
from resolvers.sensitive import SensitiveRead
from server import access_entry
from server.access_entry import SIGNATURE, TRAILER, EntryMaker, describe_entry, join_entries

READ = SensitiveRead(
    operation="Chart", tables=("healthcare.patient", "healthcare.prescription_fill"), openings=(b'{"id"',)
)
TRACE = TraceContext("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331", sampled=True)


def entry_of(
    session: Session,
    read: SensitiveRead,
    row_count: int,
    request_id: str | None,
    trace: TraceContext | None,
    *,
    maker: EntryMaker | None = None,
) -> bytes:
    (entry,) = (maker or EntryMaker()).make([(session, read, row_count, _request(request_id), trace, time.time_ns())])
    return entry


def _request(request_id: str | None) -> RequestContext | None:
    return None if request_id is None else RequestContext(request_id=request_id)


def key_of(entry: bytes) -> uuid.UUID:
    fields, length = struct.unpack_from(">hi", entry)
    assert (fields, length) == (len(access_entry.COLUMNS), 16)
    return uuid.UUID(bytes=entry[6:22])


@pytest.mark.parametrize(
    ("request_id", "trace"),
    [
        ("01a1ff27-059f-7d33-b28d-4d9a47256f33", TRACE),
        ("short", TRACE),
        ("01a1ff27-044f-7006-9594-147666e94899", None),
        (None, None),
        ("é" * 36, TRACE),
        ("01a1ff27-059f-7d33-b28d-4d9a47256f33", TraceContext("short", "ids")),
    ],
)
def test_an_entry_says_what_was_noted(request_id: str | None, trace: TraceContext | None) -> None:
    session = Session(role="provider", variables={"x-hasura-user-id": "me"})
    before = time.time()
    described = describe_entry(entry_of(session, READ, 7, request_id, trace))
    assert before - 0.001 <= described["read_at"] <= time.time()
    assert (described["role"], described["user_id"]) == ("provider", "me")
    assert (described["operation"], described["tables"], described["row_count"]) == ("Chart", READ.tables, 7)
    if request_id is None or request_id.isascii():
        assert described["of_request"] == request_id


def test_null_and_empty_text_are_told_apart_and_what_text_can_not_hold_is_left_out() -> None:
    session = Session(role="a\0b", variables={})
    read = SensitiveRead(operation=None, tables=(), openings=())
    described = describe_entry(entry_of(session, read, 0, "", None))
    assert (described["role"], described["user_id"], described["operation"]) == ("ab", None, None)
    assert (described["tables"], described["of_request"]) == ((), "")


def test_ids_are_of_version_7_and_sort_by_time_and_never_meet() -> None:
    makers = (EntryMaker(), EntryMaker())
    session = Session(role="admin")
    keys = [key_of(entry_of(session, READ, 0, None, None, maker=maker)) for _ in range(2_000) for maker in makers]
    assert len(set(keys)) == len(keys)
    assert {(key.version, key.variant) for key in keys} == {(7, uuid.RFC_4122)}
    assert [key.int >> 64 for key in keys] == sorted(key.int >> 64 for key in keys)
    assert abs((keys[-1].int >> 80) / 1000 - time.time()) < 5
    of_one = keys[::2]
    assert of_one == sorted(of_one)


def test_sessions_of_the_same_content_or_the_same_place_in_memory_are_not_mixed_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(access_entry, "_KEPT", 3)
    maker = EntryMaker()
    for number in range(50):
        # Let go at once, so that the next one may have its address.
        session = Session(role="user", variables={"x-hasura-user-id": str(number)})
        read = SensitiveRead(operation=f"Operation{number}", tables=(f"healthcare.table_{number}",), openings=())
        described = describe_entry(entry_of(session, read, number, None, None, maker=maker))
        assert (described["user_id"], described["operation"]) == (str(number), f"Operation{number}")
        assert described["tables"] == (f"healthcare.table_{number}",)
        del session, read


def test_a_batch_is_framed_as_copy_wants_it() -> None:
    entry = entry_of(Session(role="admin"), READ, 1, None, None)
    batch = join_entries([entry, entry])
    assert batch == SIGNATURE + entry + entry + TRAILER
    assert SIGNATURE[:11] == b"PGCOPY\n\xff\r\n\0"


def test_entries_made_together_are_those_made_one_by_one_but_for_their_ids() -> None:
    user, admin = Session(role="user", variables={"x-hasura-user-id": "u"}), Session(role="admin")
    notes = [
        (user, READ, 1, _request("01a1ff27-059f-7d33-b28d-4d9a47256f33"), TRACE, 1_700_000_000_000_000_000),
        (admin, READ, 2, None, TRACE, 1_700_000_000_000_001_000),
        (user, READ, 3, _request("short"), None, 1_700_000_000_000_002_000),
    ]
    together = EntryMaker().make(notes)
    alone = [entry for note in notes for entry in EntryMaker().make([note])]
    assert [entry[22:] for entry in together] == [entry[22:] for entry in alone]
    assert [describe_entry(entry)["row_count"] for entry in together] == [1, 2, 3]
    assert len({key_of(entry) for entry in together}) == len(notes)
