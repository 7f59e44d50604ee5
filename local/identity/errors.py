"""Refusals in Identity Toolkit's own words, which its clients know how to read."""

from starlette.requests import Request
from starlette.responses import JSONResponse


class ToolkitError(Exception):
    """A refusal; `code` is one of Identity Toolkit's (such as EMAIL_EXISTS), optionally with ` : ` and a sentence."""

    def __init__(self, code: str, *, status: int = 400) -> None:
        super().__init__(code)
        self.code = code
        self.status = status


async def answer_toolkit_error(_: Request, error: Exception) -> JSONResponse:
    """The error document that Google's clients expect."""
    assert isinstance(error, ToolkitError)
    reason = {"message": error.code, "reason": "invalid", "domain": "global"}
    body = {"error": {"code": error.status, "message": error.code, "errors": [reason]}}
    return JSONResponse(body, status_code=error.status)
