"""Whether the next rows are taken to be new to the mirror."""

from dataclasses import dataclass
from typing import Final

#: How often the number of transactions that follow a mistake is doubled.
_MOST_DOUBLINGS: Final = 10


@dataclass(slots=True)
class Newness:
    """New are most rows that a run brings which reads from the first change on; such are cheaper to write.

    Where some turn out to be here already, the next transactions' aren't taken to be new: two at first, then four, and
    so on. So a run over rows that are all here makes a mistake a dozen times, whatever their number.
    """

    _mistakes: int = 0
    _left: int = 0

    def is_expected(self) -> bool:
        """Whether the next transaction's rows are; to be asked once for each."""
        if self._left == 0:
            return True
        self._left -= 1
        return False

    def was_wrong(self) -> None:
        """Some of those that were taken to be new are not."""
        self._mistakes = min(self._mistakes + 1, _MOST_DOUBLINGS)
        self._left = 2**self._mistakes
