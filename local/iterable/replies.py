"""Iterable's answers: ``{"msg", "code", "params"}``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from local.standin.service import Reply


def json_reply(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
    """Any JSON."""
    return Reply(status=status, body=orjson.dumps(body), headers=headers or {})


def done(msg: str, params: Mapping[str, Any] | None = None) -> Reply:
    """The answer to a request that changed something."""
    return json_reply({"msg": msg, "code": "Success", "params": params})


def refusal(code: str, msg: str, *, status: int = 400) -> Reply:
    """The answer to a request that Iterable refuses."""
    return json_reply({"msg": msg, "code": code, "params": None}, status)
