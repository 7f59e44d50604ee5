"""Whether all peers answer alike: before anything is timed, each one's answers are compared with the limit's.

Peers spell the same values differently: big integers as text or as numbers, timestamps with an offset of `+00:00` or
`Z`, the parts of an aggregate in one object or in two. `canonical` makes them equal, and nothing else.
"""

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from benchmarks.cases import LIMIT, Call, Case
from benchmarks.database import Database
from benchmarks.peers import RunningPeer

_NUMBER: Final = re.compile(r"-?\d{1,18}(\.\d+)?")
_INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d(:?\d\d)?)")
#: Each peer makes its own keys.
_KEY_IS_NEW: Final = "insert"
_COMPARED: Final = 3


class Disagreement(Exception):
    """Two peers give different answers, or a change was not recorded."""


def compare_answers(cases: Sequence[Case], peers: Mapping[str, RunningPeer], database: Database) -> None:
    """Ask every peer every case a few times. Raises Disagreement and PeerError."""
    for case in cases:
        for call in case.calls(database.material)[:_COMPARED]:
            answers = {name: _ask(case, call, peer, database) for name, peer in peers.items()}
            expected = answers[LIMIT]
            if not expected:
                raise Disagreement(f"{case.name}: the limit answers nothing to {call.variables}")
            for name, answer in answers.items():
                if answer != expected:
                    raise Disagreement(f"{case.name}: {LIMIT} answers {expected!r:.800}, {name} {answer!r:.800}")


def canonical(value: Any) -> Any:
    """The answer in one spelling."""
    match value:
        case dict():
            inner = {key: canonical(item) for key, item in value.items()}
            aggregate = inner.pop("aggregate", {})
            return {**inner, **aggregate}
        case list():
            return [canonical(item) for item in value]
        case bool() | None:
            return value
        case int() | float():
            return Decimal(str(value))
        case str() if _NUMBER.fullmatch(value):
            return Decimal(value)
        case str() if _INSTANT.fullmatch(value):
            return dt.datetime.fromisoformat(value).astimezone(dt.UTC)
    return value


def _ask(case: Case, call: Call, peer: RunningPeer, database: Database) -> Any:
    if case.changes is not None:
        database.tidy(case.changes)
    answer = canonical(peer.ask(case, call))
    if case.name == _KEY_IS_NEW and answer:
        answer.pop("id")
    if case.changes is not None:
        sessions = database.recorded_sessions()
        assert call.caller is not None
        if [session and session.get("x-hasura-user-id") for session in sessions] != [call.caller.id]:
            raise Disagreement(f"{case.name}: {peer.peer.name} did not record the session, but {sessions}")
    return answer
