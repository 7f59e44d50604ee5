"""Messages that are out with a consumer, each until its deadline."""

import math
from dataclasses import dataclass, field
from typing import Final, Protocol

from local.pubsub.lines import Line

#: Deadlines are kept to a tenth of a second: leases that end in the same tenth share a slot.
_SLOTS_PER_SECOND: Final = 10


class Holder(Protocol):
    """A consumer with limits of its own, told when a lease it holds has ended."""

    def release(self, size_bytes: int) -> None:
        """One message of `size_bytes` is no longer outstanding."""


@dataclass(slots=True, eq=False, kw_only=True)
class Lease:
    """One delivery of one message."""

    sequence: int
    #: Tells this delivery from an earlier one of the same message.
    token: int
    size_bytes: int
    #: Who has it, if that needs counting.
    holder: Holder | None
    #: The ordering key's line, if it has one.
    line: Line | None
    #: Where its deadline is filed.
    slot: int = field(default=0, init=False)


class Leases:
    """The leases of one subscription.

    Deadlines are filed in slots rather than in a heap: nearly every lease ends long before its deadline, and a heap
    would keep the entry until then (20,000 messages/s with a deadline of 60 s: 1.2 million dead entries).
    """

    def __init__(self) -> None:
        self._by_sequence: dict[int, Lease] = {}
        self._slots: dict[int, dict[int, Lease]] = {}

    def __len__(self) -> int:
        return len(self._by_sequence)

    def add(self, lease: Lease, deadline: float) -> None:
        """File a new lease; `deadline` is in the event loop's time."""
        self._by_sequence[lease.sequence] = lease
        self._file(lease, deadline)

    def find(self, sequence: int) -> Lease | None:
        """The lease of that message, if it's out."""
        return self._by_sequence.get(sequence)

    def extend(self, lease: Lease, deadline: float) -> None:
        """Move a lease's deadline, forward or back."""
        self._unfile(lease)
        self._file(lease, deadline)

    def remove(self, lease: Lease) -> None:
        """The lease has ended, however."""
        del self._by_sequence[lease.sequence]
        self._unfile(lease)
        if lease.holder is not None:
            lease.holder.release(lease.size_bytes)

    def clear(self) -> None:
        """End them all."""
        for lease in list(self._by_sequence.values()):
            self.remove(lease)

    def expired(self, now: float) -> list[Lease]:
        """Leases whose deadline has passed, by sequence number. They stay until removed."""
        due = [slot for slot in self._slots if slot <= now * _SLOTS_PER_SECOND]
        found = [lease for slot in due for lease in self._slots[slot].values()]
        return sorted(found, key=lambda lease: lease.sequence)

    def next_deadline(self) -> float | None:
        """When the next lease expires, or None without leases."""
        return min(self._slots) / _SLOTS_PER_SECOND if self._slots else None

    def _file(self, lease: Lease, deadline: float) -> None:
        lease.slot = math.ceil(deadline * _SLOTS_PER_SECOND)
        self._slots.setdefault(lease.slot, {})[lease.sequence] = lease

    def _unfile(self, lease: Lease) -> None:
        slot = self._slots[lease.slot]
        del slot[lease.sequence]
        if not slot:
            del self._slots[lease.slot]
