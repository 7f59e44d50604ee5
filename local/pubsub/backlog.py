"""What a subscription delivers next: retries that are due, ordering keys that are free, then new messages."""

import heapq
from collections import deque
from typing import Final, NamedTuple

from local.pubsub import wire
from local.pubsub.filter import Predicate
from local.pubsub.journal import Journal
from local.pubsub.lines import Line
from local.pubsub.topic import Row, Topic
from local.pubsub.window import AckWindow

#: At most so many messages are looked at in one go, when all of them are filtered out or wait behind others.
_SCAN_ROWS: Final = 4_096
_FIRST_PAGE_ROWS: Final = 16
_LARGEST_PAGE_ROWS: Final = 512


class Picked(NamedTuple):
    """A message that goes out now."""

    row: Row
    #: Its ordering key's line, which counts it as out; None when order doesn't matter.
    line: Line | None


class _Basket:
    """What one call of `pick` has found so far, and how much room is left."""

    def __init__(self, count: int, size_bytes: int, per_key: int) -> None:
        self.picked: list[Picked] = []
        self.lines: set[Line] = set()
        self.room = count
        self._room_bytes = size_bytes
        self._per_key = per_key

    @property
    def is_full(self) -> bool:
        return self.room <= 0 or self._room_bytes <= 0

    def takes(self, line: Line) -> bool:
        """Whether another message of this line may come along: only right behind those that are in the basket."""
        return line in self.lines and not line.waiting and line.out_count < self._per_key

    def has_room_for(self, line: Line) -> bool:
        return not self.is_full and line.out_count < self._per_key

    def add(self, row: Row, line: Line | None) -> None:
        if line is not None:
            line.deliver(row.sequence)
            self.lines.add(line)
        self.picked.append(Picked(row, line))
        self.room -= 1
        self._room_bytes -= len(row.body)


class Backlog:
    """The messages of one subscription that aren't done. Knows nothing of consumers or acknowledgement ids.

    A message is in one of five states: ahead of the window's cursor (not looked at, so it costs no memory), waiting in
    its key's line, waiting in `_again` or `_later`, out with a consumer, done.
    """

    def __init__(
        self,
        *,
        topic: Topic,
        subscription_id: int,
        floor: int,
        ordered: bool,
        predicate: Predicate | None,
        journal: Journal,
    ) -> None:
        self.topic = topic
        self.window = AckWindow(floor)
        #: Whether looking at new messages stopped early, so that picking again may find some.
        self.has_more = False
        self._subscription_id = subscription_id
        self._ordered = ordered
        self._predicate = predicate
        self._journal = journal
        ((last_acked,),) = journal.run("last_acked", subscription_id)
        #: Up to here the journal may know of acknowledgements from before a restart or a seek.
        self._acked_until: int = last_acked or 0
        self._lines: dict[str, Line] = {}
        self._free: deque[Line] = deque()
        self._again: deque[int] = deque()
        #: (time, tie-breaker, message or line): what waits for its backoff to end.
        self._later: list[tuple[float, int, int | Line]] = []
        self._ties = 0

    @property
    def open_count(self) -> int:
        """How many messages aren't done, those included that the filter will drop."""
        return self.topic.visible - self.window.cursor + self.window.open_count

    def pick(self, *, count: int, size_bytes: int, per_key: int, now: float) -> list[Picked]:
        """Up to `count` messages of up to `size_bytes` together (or one larger message), at most `per_key` of one key.

        They count as out until `finish`, `return_message` or what their line says.
        """
        while self._later and self._later[0][0] <= now:
            _, _, item = heapq.heappop(self._later)
            if isinstance(item, Line):
                self._free.append(item)
            else:
                self._again.append(item)
        basket = _Basket(count, size_bytes, per_key)
        self._pick_again(basket)
        self._pick_free(basket)
        self._pick_new(basket)
        return basket.picked

    def finish(self, sequence: int) -> bool:
        """The message is done with; False when it was already."""
        return self.window.finish(sequence)

    def return_message(self, sequence: int, *, ready_at: float, now: float) -> None:
        """A message without a line goes again, not before `ready_at`."""
        if ready_at <= now:
            self._again.append(sequence)
        else:
            self._push_later(ready_at, sequence)

    def release_line(self, line: Line, *, now: float) -> None:
        """A line's batch has shrunk: when it's done, the next may go as soon as the backoff is over."""
        if line.is_out:
            return
        if not line.waiting:
            self._lines.pop(line.key, None)
        elif line.ready_at <= now:
            self._free.append(line)
        else:
            self._push_later(line.ready_at, line)

    def next_ready(self) -> float | None:
        """When the next backoff ends, or None."""
        return self._later[0][0] if self._later else None

    def skip_until(self, sequence: int) -> None:
        """Everything up to `sequence` is done: its retention is over. None of it may be out."""
        for each in range(self.window.floor + 1, min(sequence, self.window.cursor) + 1):
            self.window.finish(each)
        if sequence > self.window.cursor:
            self.window.advance(sequence)
            self.window.finish(sequence)

    def _pick_again(self, basket: _Basket) -> None:
        while self._again and not basket.is_full:
            row = self._open_row(self._again.popleft())
            if row is not None:
                basket.add(row, None)

    def _pick_free(self, basket: _Basket) -> None:
        while self._free and not basket.is_full:
            line = self._free.popleft()
            while line.waiting and basket.has_room_for(line):
                row = self._open_row(line.waiting.popleft())
                if row is not None:
                    basket.add(row, line)
            if line.is_idle:
                self._lines.pop(line.key, None)

    def _pick_new(self, basket: _Basket) -> None:
        window, topic = self.window, self.topic
        self.has_more = False
        page_rows, looked_at = _FIRST_PAGE_ROWS, 0
        while window.cursor < topic.visible and not basket.is_full:
            if looked_at >= _SCAN_ROWS:
                self.has_more = True
                return
            page = topic.page(window.cursor + 1, max(page_rows, min(basket.room, _LARGEST_PAGE_ROWS)))
            if not page:
                # Nothing is stored up to the end: published while nobody needed it, or trimmed.
                self.skip_until(topic.visible)
                return
            acked = self._acked_before(page)
            for row in page:
                if basket.is_full:
                    return
                window.advance(row.sequence)
                if row.sequence in acked or not self._passes(row):
                    window.finish(row.sequence)
                else:
                    self._pick_or_wait(row, basket)
            looked_at += len(page)
            # Small at first, since one free place needs one message; growing, since many may wait behind others.
            page_rows = min(page_rows * 2, _LARGEST_PAGE_ROWS)

    def _pick_or_wait(self, row: Row, basket: _Basket) -> None:
        if not self._ordered or not row.ordering_key:
            basket.add(row, None)
            return
        line = self._lines.get(row.ordering_key)
        if line is None:
            line = self._lines[row.ordering_key] = Line(row.ordering_key)
            basket.add(row, line)
        elif basket.takes(line):
            basket.add(row, line)
        else:
            line.waiting.append(row.sequence)

    def _passes(self, row: Row) -> bool:
        return self._predicate is None or self._predicate(wire.PubsubMessage.FromString(row.body).attributes)

    def _acked_before(self, page: list[Row]) -> set[int]:
        if page[0].sequence > self._acked_until:
            return set()
        rows = self._journal.run("acked_between", self._subscription_id, page[0].sequence, page[-1].sequence)
        return {sequence for (sequence,) in rows}

    def _open_row(self, sequence: int) -> Row | None:
        """A message that waited, unless it was finished meanwhile (a late acknowledgement, retention)."""
        if not self.window.is_open(sequence):
            return None
        row = self.topic.read(sequence)
        if row is None:
            self.window.finish(sequence)
        return row

    def _push_later(self, ready_at: float, item: int | Line) -> None:
        self._ties += 1
        heapq.heappush(self._later, (ready_at, self._ties, item))
