"""The network's answers and refusals."""

from __future__ import annotations

from typing import Any

import orjson

from local.standin.service import Reply


def json_reply(body: Any, status: int = 200) -> Reply:
    """Any JSON."""
    return Reply(status=status, body=orjson.dumps(body))


def refusal(
    code: str, message: str, status: int, *, param: str | None = None, retry_after_s: int | None = None
) -> Reply:
    """``{"error": {"code", "message", "param"}}``."""
    error = {"code": code, "message": message, **({"param": param} if param else {})}
    headers = {} if retry_after_s is None else {"retry-after": str(retry_after_s)}
    return Reply(status=status, body=orjson.dumps({"error": error}), headers=headers)


def not_found() -> Reply:
    """The answer for what does not exist."""
    return refusal("not_found", "There is no such order.", 404)


def missing(param: str) -> Reply:
    """The answer to a body that lacks a field."""
    return refusal("missing", f"{param} is required.", 422, param=param)


def invalid(param: str, message: str) -> Reply:
    """The answer to a field that can't be."""
    return refusal("invalid", message, 422, param=param)
