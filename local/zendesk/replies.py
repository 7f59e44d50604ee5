"""Zendesk's answers and refusals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from local.standin.service import Reply

#: Requests a minute of the plan that the stand-in plays; sent along with every answer, not enforced (see faults).
RATE_LIMIT = 700
_RATE_HEADERS = {"x-rate-limit": str(RATE_LIMIT), "x-rate-limit-remaining": str(RATE_LIMIT - 1)}


def json_reply(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
    """Any JSON, with the headers of the rate limit."""
    return Reply(status=status, body=orjson.dumps(body), headers={**_RATE_HEADERS, **(headers or {})})


def refusal(error: str, description: str, status: int, details: Mapping[str, Any] | None = None) -> Reply:
    """``{"error", "description", "details"}``."""
    body: dict[str, Any] = {"error": error, "description": description}
    if details:
        body["details"] = details
    return json_reply(body, status)


def not_found() -> Reply:
    """The answer for what does not exist."""
    return refusal("RecordNotFound", "Not found", 404)


def invalid(field: str, description: str) -> Reply:
    """The answer to a record that can't be kept."""
    return refusal(
        "RecordInvalid",
        "Record validation errors",
        422,
        {field: [{"description": description, "error": "InvalidValue"}]},
    )
