"""A topic: numbers what is published, keeps it as long as someone needs it, and tells its subscriptions."""

import time
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple, Protocol

from local.pubsub import wire
from local.pubsub.journal import Journal
from local.pubsub.names import DELETED_TOPIC

#: Rows are deleted in pieces, so that the loop isn't held up.
_TRIM_ROWS: Final = 1_000
#: A page of messages is cut at this many bytes.
_PAGE_BYTES: Final = 8 * 1024 * 1024
#: Message ids are the topic's id followed by the sequence number, so that they are unique across topics as well.
_ID_DIGITS: Final = 12

Clock = Callable[[], int]


def system_clock() -> int:
    """Microseconds since 1970."""
    return time.time_ns() // 1000


class Row(NamedTuple):
    """A stored message."""

    sequence: int
    published_us: int
    ordering_key: str
    #: A serialized PubsubMessage, with id and publish time.
    body: bytes


class Reader(Protocol):
    """Whoever keeps messages of a topic from being deleted: a subscription or a snapshot."""

    def needed_from(self, now_us: int) -> int:
        """The sequence number up to which messages aren't needed."""

    def notify(self) -> None:
        """There are new messages."""


class Topic:
    """One topic. `publish` is durable after `await journal.committed()`, and visible to subscriptions from then on."""

    def __init__(
        self, *, topic_id: int, name: str, config: wire.Message, head: int, journal: Journal, clock: Clock
    ) -> None:
        self.id = topic_id
        self.name = name
        self.config = config
        #: The last sequence number given, and the last one whose transaction is committed.
        self.head = head
        self.visible = head
        self.readers: dict[Reader, None] = {}
        self.published_count = 0
        self.published_bytes = 0
        self._journal = journal
        self._clock = clock
        ((first,),) = journal.run("first_message", topic_id)
        #: Everything up to here is gone.
        self._trimmed = first - 1 if first is not None else head
        last = journal.run("last_published", topic_id)
        self._last_published_us: int = last[0][0] if last else 0

    @property
    def is_deleted(self) -> bool:
        """Whether only its remaining subscriptions still know it."""
        return self.name == DELETED_TOPIC

    @property
    def retention_us(self) -> int | None:
        """How long the topic itself keeps messages, or None when that is left to subscriptions."""
        if not self.config.HasField("message_retention_duration"):
            return None
        return int(wire.duration_s(self.config.message_retention_duration) * 1e6)

    def publish(self, messages: Iterable[wire.Message]) -> list[str]:
        """Take messages, already checked; their ids, in order. Id and publish time are set on them."""
        now = max(self._clock(), self._last_published_us)
        self._last_published_us = now
        published_at = wire.timestamp(now)
        keep = bool(self.readers) or self.retention_us is not None
        ids: list[str] = []
        rows: list[tuple[int, int, int, str, bytes]] = []
        sequence = self.head
        for message in messages:
            sequence += 1
            message_id = f"{self.id}{sequence:0{_ID_DIGITS}d}"
            ids.append(message_id)
            if keep:
                message.message_id = message_id
                message.publish_time.CopyFrom(published_at)
                body = message.SerializeToString()
                self.published_bytes += len(body)
                rows.append((self.id, sequence, now, message.ordering_key, body))
        if rows:
            self._journal.run_many("insert_message", rows)
        self.head = sequence
        self.published_count += len(ids)
        self._journal.enlist(self)
        return ids

    def save(self) -> None:
        """Write the last sequence number: it isn't given twice, even when its message is long gone."""
        self._journal.run("save_head", self.head, self.id)

    def saved(self) -> None:
        """Let subscriptions see what was committed."""
        self.visible = self.head
        for reader in self.readers:
            reader.notify()

    def read(self, sequence: int) -> Row | None:
        """One message, if it's still there."""
        rows = self._journal.run("message", self.id, sequence)
        return Row(*rows[0]) if rows else None

    def page(self, start: int, count: int) -> list[Row]:
        """Up to `count` committed messages from `start` on, in order; fewer when they are large."""
        rows = self._journal.read_until("messages_from", (self.id, start, self.visible, count), size_bytes=_PAGE_BYTES)
        return [Row(*row) for row in rows]

    def last_before(self, time_us: int) -> int:
        """The last sequence number published before that time (the last one gone, if that is later)."""
        low, high = self._trimmed, self.head
        # Publish times never decrease with the sequence number, so halving finds the place in some twenty look-ups.
        while low < high:
            middle = (low + high + 1) // 2
            rows = self._journal.run("published_at", self.id, middle)
            if rows and rows[0][1] < time_us:
                low = rows[0][0]
            else:
                high = middle - 1
        return low

    def trim(self) -> bool:
        """Delete messages that nobody needs, up to some thousand; whether there may be more."""
        now = self._clock()
        needed_from = min([self.visible, *(reader.needed_from(now) for reader in self.readers)])
        retention_us = self.retention_us
        if retention_us is not None:
            needed_from = min(needed_from, self.last_before(now - retention_us))
        if needed_from <= self._trimmed:
            return False
        until = min(needed_from, self._trimmed + _TRIM_ROWS)
        self._journal.run("delete_messages", self.id, self._trimmed + 1, until)
        self._trimmed = until
        return until < needed_from
