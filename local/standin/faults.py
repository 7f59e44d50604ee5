"""How a stand-in can be told to misbehave: fail, be slow, drop the connection, before or after the work is done.

A fault is used up by the requests that it fits, the oldest fault first. Faults are not kept over a restart.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any


class FaultError(ValueError):
    """A fault was described wrongly; the message says how it is done."""


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


_FIELDS: Mapping[str, type | tuple[type, ...]] = {
    "status": int,
    "retry_after_s": int,
    "delay_s": (int, float),
    "drop": bool,
    "after_work": bool,
    "times": int,
    "method": str,
    "path": str,
}


def parse_fault(body: Any) -> Fault:
    """A fault from the JSON that `POST /_control/faults` takes; raises FaultError that says what is wrong with it."""
    if not isinstance(body, Mapping):
        raise FaultError(f"a fault is a JSON object with some of {', '.join(_FIELDS)}")
    for name, value in body.items():
        if name not in _FIELDS:
            raise FaultError(f"a fault has no {name!r}; it has {', '.join(_FIELDS)}")
        wrong_bool = isinstance(value, bool) and _FIELDS[name] is not bool
        if not isinstance(value, _FIELDS[name]) or wrong_bool:
            raise FaultError(f"{name!r} of a fault can't be {value!r}")
    fault = Fault(**body)
    if fault.status is None and not fault.drop and not fault.delay_s:
        raise FaultError("a fault needs a status, a delay_s, or drop")
    if fault.status is not None and not 400 <= fault.status <= 599:
        raise FaultError(f"a fault's status is from 400 to 599, not {fault.status}")
    if fault.times < 1:
        raise FaultError(f"a fault is for at least 1 request, not {fault.times}")
    try:
        re.compile(fault.path or "")
    except re.error as error:
        raise FaultError(f"a fault's path is a regular expression: {error}") from None
    return fault
