"""How long to wait before the next attempt."""

import random
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

#: Doubling stops here, before the number gets silly.
_MOST_DOUBLINGS: Final = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """Doubling waits with jitter."""

    first: timedelta
    longest: timedelta

    def seconds_after(self, failures: int) -> float:
        """Wait after that many failures in a row (1 and up): half of the doubled wait, and up to half by chance.

        The chance keeps relays that failed together from trying again together.
        """
        doublings = min(max(failures, 1) - 1, _MOST_DOUBLINGS)
        full: float = min(self.first.total_seconds() * 2**doublings, self.longest.total_seconds())
        return full / 2 + random.uniform(0, full / 2)  # noqa: S311 - spreading, not secrecy
