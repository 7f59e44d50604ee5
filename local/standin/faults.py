"""How a stand-in can be told to misbehave: fail, be slow, drop the connection, before or after the work is done.

A fault is used up by the requests that it fits, the oldest fault first. Faults are not kept over a restart.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from local.standin.instruction import NUMBER, ControlError, Fields

#: Later than this no client waits; whoever wants a connection without an answer says drop.
_LONGEST_DELAY_S = 3600.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """What goes wrong, for how many requests, and for which."""

    #: Answer with this status, in the service's own error format.
    status: int | None = None
    #: Retry-After of that answer, in seconds.
    retry_after_s: int | None = None
    #: Answer (or fail, or drop) only after that time.
    delay_s: float = 0.0
    #: Close the connection without an answer.
    drop: bool = False
    #: Do the work all the same, and only then fail or drop.
    after_work: bool = False
    #: How many requests it is for.
    times: int = 1
    #: Only requests of this method.
    method: str | None = None
    #: Only requests whose path fits this regular expression somewhere.
    path: str | None = None

    def fits(self, method: str, path: str) -> bool:
        """Whether the fault is for such a request."""
        return (self.method is None or self.method == method) and (
            self.path is None or re.search(self.path, path) is not None
        )

    def __str__(self) -> str:
        parts = []
        if self.delay_s:
            parts.append(f"{self.delay_s:g} s late")
        if self.drop:
            parts.append("connection dropped")
        elif self.status is not None:
            parts.append(f"status {self.status}")
        return " and ".join(parts) + (", work done" if self.after_work and (self.drop or self.status) else "")


@dataclass(slots=True)
class Faults:
    """The faults waiting for requests."""

    _waiting: list[Fault] = field(default_factory=list)

    def add(self, fault: Fault) -> None:
        """Put a fault behind those waiting."""
        self._waiting.append(fault)

    def take(self, method: str, path: str) -> Fault | None:
        """The fault for this request, if there is one; it is used up by one."""
        for position, fault in enumerate(self._waiting):
            if fault.fits(method, path):
                if fault.times > 1:
                    self._waiting[position] = replace(fault, times=fault.times - 1)
                else:
                    del self._waiting[position]
                return fault
        return None

    def clear(self) -> None:
        """Behave again."""
        self._waiting.clear()

    def waiting(self) -> list[Fault]:
        """What is left, in order."""
        return list(self._waiting)


FIELDS: Fields = {
    "status": int,
    "retry_after_s": int,
    "delay_s": NUMBER,
    "drop": bool,
    "after_work": bool,
    "times": int,
    "method": str,
    "path": str,
}


def parse_fault(body: Mapping[str, Any]) -> Fault:
    """A fault from an object with some of `FIELDS`; raises ControlError that says what is wrong with it."""
    fault = Fault(**{**body, **({"method": body["method"].upper()} if "method" in body else {})})
    if fault.status is None and not fault.drop and not fault.delay_s:
        raise ControlError("a fault needs a status, a delay_s, or drop")
    if fault.status is not None and not 400 <= fault.status <= 599:
        raise ControlError(f"a fault's status is from 400 to 599, not {fault.status}")
    if not 0 <= fault.delay_s <= _LONGEST_DELAY_S:
        raise ControlError(f"a fault's delay_s is from 0 to {_LONGEST_DELAY_S:g}, not {fault.delay_s:g}")
    if fault.retry_after_s is not None and fault.retry_after_s < 0:
        raise ControlError(f"a fault's retry_after_s is at least 0, not {fault.retry_after_s}")
    if fault.times < 1:
        raise ControlError(f"a fault is for at least 1 request, not {fault.times}")
    try:
        re.compile(fault.path or "")
    except re.error as error:
        raise ControlError(f"a fault's path is a regular expression: {error}") from None
    return fault
