"""Chargebee's answers and errors (https://apidocs.chargebee.com/docs/api/error-handling)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from local.standin.service import Reply


def json_reply(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
    """Any JSON."""
    return Reply(status=status, body=orjson.dumps(body), headers=headers or {})


def error(
    status: int,
    *,
    code: str,
    message: str,
    kind: str | None = "invalid_request",
    param: str | None = None,
    cause: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Reply:
    """An error with all attributes that Chargebee gives, those of the old names included."""
    body: dict[str, Any] = {
        "message": message,
        "type": kind,
        "api_error_code": code,
        "param": param,
        "error_cause_id": cause,
        "error_code": code,
        "error_msg": message,
        "error_param": param,
        "http_status_code": status,
    }
    return json_reply({name: value for name, value in body.items() if value is not None}, status, headers)


def not_found(what: str, document_id: str) -> Reply:
    """The answer for an object that does not exist."""
    return error(404, code="resource_not_found", message=f"{document_id} not found", param=f"{what}_id")


def wrong_value(param: str, why: str) -> Reply:
    """The answer to a parameter with a value that it can't have."""
    return error(400, code="param_wrong_value", message=f"{param} : {why}", param=param)


def duplicate(param: str, value: str) -> Reply:
    """The answer to the creation of what exists."""
    return error(400, code="duplicate_entry", message=f"{param} : The value {value} is already present.", param=param)


def wrong_state(message: str) -> Reply:
    """The answer to what can't be done with an object as it is now."""
    return error(400, code="invalid_state_for_request", message=message)


def declined(code: str, text: str, *, amount: str) -> Reply:
    """The answer when the card gateway refuses (https://apidocs.chargebee.com/docs/api/error-handling)."""
    if code == "payment_method_not_present":
        return error(400, code=code, message=text, kind="payment")
    return error(
        400,
        code="payment_processing_failed",
        message=f"We are not able to collect {amount} from the card on file. Error message: ({code}) {text}",
        kind="payment",
        cause="gateway.general.decline",
    )


def of_status(status: int, *, retry_after_s: int | None = None) -> Reply:
    """The error that Chargebee gives with a status, for faults and unknown paths."""
    headers = {} if retry_after_s is None else {"retry-after": str(retry_after_s)}
    match status:
        case 401:
            return error(
                401,
                code="api_authentication_failed",
                message="Sorry, authentication failed. Invalid api key",
                kind=None,
                headers=headers,
            )
        case 404:
            return error(404, code="site_not_found", message="The requested path does not exist", headers=headers)
        case 429:
            return error(
                429,
                code="api_request_limit_exceeded",
                message="Sorry, access has been blocked temporarily due to request count exceeding acceptable limits.",
                kind="operation_failed",
                headers=headers,
            )
        case 503:
            return error(
                503,
                code="internal_temporary_error",
                message="Sorry, the server is currently unable to handle the request.",
                kind="operation_failed",
                headers=headers,
            )
        case _ if status >= 500:
            return error(
                status,
                code="internal_error",
                message="Sorry, something went wrong when trying to process the request.",
                kind="operation_failed",
                headers=headers,
            )
        case _:
            return error(status, code="invalid_request", message=f"status {status}", headers=headers)
