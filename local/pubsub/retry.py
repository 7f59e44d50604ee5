"""How long a message waits before it's delivered again."""

from dataclasses import dataclass
from typing import Self

from local.pubsub import wire


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """Exponential backoff between two bounds; without a policy on the subscription there's no wait at all."""

    minimum_s: float = 0.0
    maximum_s: float = 0.0

    @classmethod
    def of(cls, config: wire.Message) -> Self:
        """The policy in a Subscription."""
        if not config.HasField("retry_policy"):
            return cls()
        policy = config.retry_policy
        return cls(minimum_s=wire.duration_s(policy.minimum_backoff), maximum_s=wire.duration_s(policy.maximum_backoff))

    def delay_s(self, failures: int) -> float:
        """Seconds to wait after so many failures (from 1): the minimum, doubled each time, up to the maximum."""
        # Beyond 2**30 the maximum has long been reached, and floats would overflow at some point.
        return min(self.maximum_s, self.minimum_s * 2.0 ** min(failures - 1, 30))
