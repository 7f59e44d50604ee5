"""How often deliveries failed, by message: for backoff, dead letters and the attempt that consumers are told."""

from local.pubsub.journal import Journal


class Attempts:
    """The failures of one subscription's messages. They survive a restart."""

    def __init__(self, journal: Journal, subscription_id: int) -> None:
        self._journal = journal
        self._subscription_id = subscription_id
        self._failures: dict[int, int] = dict(journal.run("failures", subscription_id))

    def failures(self, sequence: int) -> int:
        """How often the message's delivery has failed."""
        return self._failures.get(sequence, 0)

    def fail(self, sequence: int) -> int:
        """Count a failure; how many there are now."""
        failures = self._failures[sequence] = self.failures(sequence) + 1
        self._journal.run("record_failure", self._subscription_id, sequence, failures)
        return failures

    def forget(self, sequence: int) -> None:
        """The message is done."""
        if self._failures.pop(sequence, None) is not None:
            self._journal.run("forget_failure", self._subscription_id, sequence)

    def clear(self) -> None:
        """Start counting anew."""
        self._failures.clear()
        self._journal.run("forget_failures", self._subscription_id)
