"""What no answer may ever be, whatever was asked."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import structlog

from server.authentication.errors import AuthenticationCode

#: The codes of HASURA_DIALECT §7, and those that it leaves to transport and credentials.
CODES: Final = frozenset(
    {
        "validation-failed",
        "parse-failed",
        "data-exception",
        "bad-request",
        "constraint-violation",
        "permission-error",
        "constraint-error",
        "not-found",
        "not-supported",
        "unexpected-payload",
        "invalid-json",
        "unexpected",
        "PERSISTED_QUERY_NOT_FOUND",
        *(code.value for code in AuthenticationCode),
    }
)
#: What PostgreSQL refuses although the statement is right: no such operator or function for the type (json, uuid …),
#: a row changed twice, a JSON path that can't be read, a stack that is too deep, a value a function doesn't take.
REFUSALS: Final = frozenset({"42883", "21000", "42601", "54001", "54000", "2201W", "0A000", "54011"})
#: Words of our insides. A client's own text may hold them, so they are only looked for where it can't.
_INSIDES: Final = ("Traceback", "asyncpg", "site-packages", ".py", "SELECT ", "json_agg", "$changed", "psycopg")


@contextmanager
def watched() -> Iterator[list[dict[str, Any]]]:
    """Everything that is logged within the block."""
    before = structlog.get_config()
    events: list[dict[str, Any]] = []

    def keep(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        events.append(dict(event))
        raise structlog.DropEvent

    structlog.configure(processors=[keep])
    try:
        yield events
    finally:
        structlog.configure(**before)


def judge(body: bytes, events: list[dict[str, Any]], context: object) -> dict[str, Any]:
    """The answer, found to be one that a client may get."""
    answer: dict[str, Any] = json.loads(body)
    assert answer.keys() in ({"data"}, {"errors"}, {"data", "extensions"}), (answer, context)
    for error in answer.get("errors", ()):
        assert error.keys() == {"message", "extensions"}, (error, context)
        assert error["extensions"].keys() == {"path", "code"}, (error, context)
        assert error["extensions"]["code"] in CODES, (error, context)
        assert error["extensions"]["path"].startswith("$"), (error, context)
        assert "internal error" not in error["message"], (error, events, context)
        assert "can't be reached" not in error["message"], (error, events, context)
        assert not any(word in error["message"] for word in _INSIDES), (error, context)
    for event in events:
        assert event["event"] == "statement_failed", (event, context)
        assert event["sqlstate"] in REFUSALS, (event, context)
    return answer
