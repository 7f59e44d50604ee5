"""Bodies of the controls' requests: JSON objects whose fields are asked for by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from starlette.requests import Request


class ControlError(ValueError):
    """A control was used wrongly; the message says how it is done."""


async def read_object(request: Request) -> dict[str, Any]:
    """The body, a JSON object; an empty body is an empty object."""
    body = await read_json(request)
    if not isinstance(body, dict):
        raise ControlError("the body must be a JSON object")
    return body


async def read_json(request: Request) -> Any:
    """The body, any JSON; an empty body is an empty object."""
    raw = await request.body()
    try:
        return orjson.loads(raw) if raw else {}
    except orjson.JSONDecodeError as error:
        raise ControlError(f"the body must be JSON: {error}") from error


def need(body: Mapping[str, Any], name: str) -> Any:
    """A field that must be there."""
    try:
        return body[name]
    except KeyError:
        raise ControlError(f"the body needs {name!r}; it has {', '.join(body) or 'nothing'}") from None
