"""One ordering key of a subscription: what waits, what is out, and what a refusal brings back.

Google's rules (https://cloud.google.com/pubsub/docs/ordering): the next batch of a key goes out when the last one is
done; an acknowledgement counts once all before it in the batch are acknowledged; when one is refused or expires, it is
delivered again with everything after it, the acknowledged ones too.

    out: 1 2 3      ack 3: nothing is done yet       ack 1: 1 is done
                    nack 2: 2 3 wait again, in front of what came later
"""

from collections import deque
from collections.abc import Iterable


class Line:
    """The messages of one ordering key, by sequence number, in order."""

    __slots__ = ("_out", "key", "ready_at", "waiting")

    def __init__(self, key: str) -> None:
        self.key = key
        #: Not delivered, or to be delivered again.
        self.waiting: deque[int] = deque()
        #: Not to be delivered before (the event loop's time), after a refusal.
        self.ready_at = 0.0
        #: The batch that is out: sequence number to whether it's acknowledged.
        self._out: dict[int, bool] = {}

    @property
    def is_out(self) -> bool:
        """Whether a batch is out, so that nothing else may go."""
        return bool(self._out)

    @property
    def out_count(self) -> int:
        """How many messages are out, acknowledged ones that wait for an earlier one included."""
        return len(self._out)

    @property
    def is_idle(self) -> bool:
        """Whether nothing is out and nothing waits: the line can go."""
        return not self._out and not self.waiting

    def deliver(self, sequence: int) -> None:
        """Put a message into the batch that is out."""
        self._out[sequence] = False

    def acknowledge(self, sequence: int) -> list[int]:
        """Acknowledge a message that is out; those that are done with it, in order."""
        self._out[sequence] = True
        return self._pop_done()

    def drop(self, sequence: int) -> list[int]:
        """Take a message out of the batch for good; those that are done with it, in order, itself included."""
        del self._out[sequence]
        return [sequence, *self._pop_done()]

    def give_back(self, sequence: int, ready_at: float) -> list[int]:
        """A message was refused: it and all after it in the batch wait again; which they are, in order."""
        out = list(self._out)
        returned = out[out.index(sequence) :]
        for each in returned:
            del self._out[each]
        self._to_front(returned)
        self.ready_at = ready_at
        return returned

    def _pop_done(self) -> list[int]:
        done: list[int] = []
        for sequence, acknowledged in self._out.items():
            if not acknowledged:
                break
            done.append(sequence)
        for sequence in done:
            del self._out[sequence]
        return done

    def _to_front(self, sequences: Iterable[int]) -> None:
        self.waiting.extendleft(reversed(list(sequences)))
