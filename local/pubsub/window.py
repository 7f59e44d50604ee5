"""Which messages of its topic a subscription is done with, in one byte a message that it has looked at."""


class AckWindow:
    """Sequence numbers from a floor (everything up to it is done) to a cursor (nothing above it was looked at yet).

    Between the two each number is open or done. Done at the floor, the floor rises: so in the ordinary case the window
    is as long as what is under way, and it's a million bytes when a million messages wait behind one stubborn message.
    """

    def __init__(self, floor: int) -> None:
        self.floor = floor
        self._done = bytearray()
        self._done_count = 0

    @property
    def cursor(self) -> int:
        """The last number looked at."""
        return self.floor + len(self._done)

    @property
    def open_count(self) -> int:
        """How many numbers up to the cursor are open."""
        return len(self._done) - self._done_count

    def advance(self, sequence: int) -> None:
        """Look at `sequence`, above the cursor: it's open; numbers skipped on the way (no such message) are done."""
        skipped = sequence - self.cursor - 1
        self._done += b"\x01" * skipped + b"\x00"
        self._done_count += skipped
        if skipped:
            self._raise_floor()

    def is_open(self, sequence: int) -> bool:
        """Whether `sequence` was looked at and isn't done."""
        index = sequence - self.floor - 1
        return 0 <= index < len(self._done) and not self._done[index]

    def finish(self, sequence: int) -> bool:
        """Mark `sequence` done; False when it was, or lies outside the window."""
        if not self.is_open(sequence):
            return False
        self._done[sequence - self.floor - 1] = 1
        self._done_count += 1
        if sequence == self.floor + 1:
            self._raise_floor()
        return True

    def _raise_floor(self) -> None:
        first_open = self._done.find(0)
        done = first_open if first_open >= 0 else len(self._done)
        # Cutting a bytearray's front moves a pointer, not the bytes.
        del self._done[:done]
        self._done_count -= done
        self.floor += done
