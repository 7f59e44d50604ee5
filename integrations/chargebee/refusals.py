"""What Chargebee's refusals mean: its error codes as the platform's errors."""

import re
from collections.abc import Mapping
from typing import Any

from chargebee import APIError, PaymentError

from integrations.errors import (
    AlreadyExists,
    IntegrationError,
    NotFound,
    PaymentDeclined,
    RateLimited,
    ServerFault,
    error_for_status,
)
from integrations.http import retry_after

SERVICE = "chargebee"

_DECLINE_REASON = re.compile(r"\(([a-z][a-z0-9_]+)\)")

#: The customer can't be charged: an outcome that callers have an answer for, whatever type and status it comes with.
#: https://apidocs.chargebee.com/docs/api/error-handling#payment_errors
_PAYMENT_CODES = frozenset(
    {"payment_processing_failed", "payment_method_not_present", "payment_method_verification_failed"}
)

_KIND_BY_CODE: Mapping[str, type[IntegrationError]] = {
    "resource_not_found": NotFound,
    "site_not_found": NotFound,
    "duplicate_entry": AlreadyExists,
    "api_request_limit_exceeded": RateLimited,
    "internal_error": ServerFault,
    "internal_temporary_error": ServerFault,
    "site_not_ready": ServerFault,
    "site_read_only_mode": ServerFault,
    "lock_timeout": ServerFault,
}


def error_of(error: APIError, operation: str) -> IntegrationError:
    """The error for callers, of what the SDK raised for an answer to an operation."""
    code = error.api_error_code or "unknown"
    parts: dict[str, Any] = {
        "service": SERVICE,
        "operation": operation,
        "code": code,
        "status": error.http_status_code,
        "param": error.param,
        "detail": error.json_obj.get("message"),
    }
    if isinstance(error, PaymentError) or code in _PAYMENT_CODES:
        # «… Error message: (insufficient_funds) Your card …»: only the sentence has the gateway's own reason.
        reason = _DECLINE_REASON.search(parts["detail"] or "")
        return PaymentDeclined(**{**parts, "code": reason[1] if reason else error.error_cause_id or code})
    wait = retry_after(error.http_headers or {})
    kind = _KIND_BY_CODE.get(code)
    if kind is None:
        return error_for_status(**parts, retry_after=wait)
    return kind(**parts, retry_after=wait)
