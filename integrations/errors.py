"""What can go wrong with an outside system, by what a caller can do about it.

::

    IntegrationError
    ├── TemporaryError            try again later; ``retry_after`` says when, if known
    │   ├── RateLimited           too many requests; the service is well
    │   ├── TimedOut              no answer in time; the work may have been done
    │   ├── Unreachable           no connection, or it broke; the work may have been done
    │   ├── ServerFault           the service answered 5xx; the work may have been done
    │   ├── CircuitOpen           not tried: the service failed too often just now
    │   └── CredentialsRefused    401 or 403: an operator must act, the request itself is fine
    └── PermanentError            the same request will fail again; ``code`` says why
        ├── NotFound
        ├── AlreadyExists
        └── PaymentDeclined       ``code`` is the gateway's reason

``str(error)`` holds the service, the operation, the status and codes, and never what the service wrote: such
sentences repeat e-mail addresses and names. They are in ``detail``, with addresses and numbers struck out, for a
person who debugs; programs must not log it.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import ClassVar

_EMAIL = re.compile(r"[^\s\"'<>(),;:]+@[^\s\"'<>(),;:]+")
_NUMBER = re.compile(r"\+?\d[\d\s().-]{5,}\d")


def redact(text: str, *, limit: int = 300) -> str:
    """The text without e-mail addresses and long numbers (telephone, card), cut to ``limit`` characters."""
    return _NUMBER.sub("[number]", _EMAIL.sub("[email]", text))[:limit]


class IntegrationError(Exception):
    """A call to an outside system did not give what was asked for."""

    #: Whether the same call may be repeated at once (after a short wait) by the client itself.
    retry_now: ClassVar[bool] = False
    #: Whether the work may have been done although the call failed.
    maybe_done: ClassVar[bool] = False

    def __init__(
        self,
        *,
        service: str,
        operation: str,
        code: str,
        status: int | None = None,
        param: str | None = None,
        detail: str | None = None,
        retry_after: timedelta | None = None,
    ) -> None:
        self.service = service
        self.operation = operation
        #: Stable name of the reason: the service's own code where it has one, else ours.
        self.code = code
        self.status = status
        #: The request's parameter that the service objected to.
        self.param = param
        self.detail = redact(detail) if detail else None
        #: When trying again makes sense, if the service said so.
        self.retry_after = retry_after
        super().__init__(self._sentence())

    def _sentence(self) -> str:
        parts = [f"{self.service}.{self.operation}: {self.code}"]
        if self.param:
            parts.append(f"parameter {self.param}")
        if self.status is not None:
            parts.append(f"HTTP {self.status}")
        if self.retry_after is not None:
            parts.append(f"try again in {round(self.retry_after.total_seconds(), 1):g} s")
        return ", ".join(parts)


class TemporaryError(IntegrationError):
    """The same call can succeed later."""


class RateLimited(TemporaryError):
    """The service asks for fewer requests; ``retry_after`` is its Retry-After."""

    retry_now = True


class TimedOut(TemporaryError):
    """No answer within the time-out."""

    retry_now = True
    maybe_done = True


class Unreachable(TemporaryError):
    """No connection could be made, or it broke before the answer was complete."""

    retry_now = True
    maybe_done = True


class ServerFault(TemporaryError):
    """The service answered with a status of 500 or above, or with something that is not its own format."""

    retry_now = True
    maybe_done = True


class CircuitOpen(TemporaryError):
    """The call was not made: the service failed too often just now. ``retry_after`` is when it is tried again."""


class CredentialsRefused(TemporaryError):
    """The service refused our credentials. Repeating at once is useless; once they are put right, it works."""


class PermanentError(IntegrationError):
    """The same call will fail again; give it up, or change it. ``code`` says why."""


class NotFound(PermanentError):
    """What the call names does not exist there."""


class AlreadyExists(PermanentError):
    """What the call wants to create exists there already, with another content."""


class PaymentDeclined(PermanentError):
    """The payment gateway refused the charge; ``code`` is its reason: ``insufficient_funds``, ``card_declined``."""


def error_for_status(
    status: int,
    *,
    service: str,
    operation: str,
    code: str | None = None,
    param: str | None = None,
    detail: str | None = None,
    retry_after: timedelta | None = None,
) -> IntegrationError:
    """The error that an HTTP status of 400 or above means."""
    kind, default_code = _kind_of_status(status)
    return kind(
        service=service,
        operation=operation,
        code=code or default_code,
        status=status,
        param=param,
        detail=detail,
        retry_after=retry_after,
    )


def _kind_of_status(status: int) -> tuple[type[IntegrationError], str]:
    match status:
        case 401 | 403:
            return CredentialsRefused, "credentials_refused"
        case 404 | 410:
            return NotFound, "not_found"
        case 408 | 425:
            return TimedOut, "timed_out"
        case 429:
            return RateLimited, "rate_limited"
        case _ if status >= 500:
            return ServerFault, "server_fault"
        case _:
            return PermanentError, "refused"
