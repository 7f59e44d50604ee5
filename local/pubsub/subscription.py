"""A subscription: delivers messages, waits for their acknowledgement, and tries again."""

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import Final

from local.pubsub import wire
from local.pubsub.alarm import Alarm
from local.pubsub.attempts import Attempts
from local.pubsub.backlog import Backlog, Picked
from local.pubsub.delivery import Counts, Delivery, parse_ack_id, render_ack_id
from local.pubsub.errors import FailedPreconditionError, PubSubError
from local.pubsub.filter import compile_filter
from local.pubsub.journal import Journal
from local.pubsub.leases import Holder, Lease, Leases
from local.pubsub.retry import RetryPolicy
from local.pubsub.topic import Row, Topic

#: A delivery takes no more than this, or one larger message.
MAX_DELIVERY_BYTES: Final = 10 * 1024 * 1024
_NO_LIMIT: Final = 1 << 62

#: Sends a message to the subscription's dead letter topic after so many attempts; False when that isn't possible now.
Forward = Callable[["Subscription", Row, int], bool]


class Subscription:
    """One subscription and its leases. All methods run on the event loop and none waits.

    What `acknowledge` and `settle` change is durable with the next commit of the journal.
    """

    def __init__(
        self,
        *,
        subscription_id: int,
        config: wire.Message,
        topic: Topic | None,
        born: int,
        floor: int,
        journal: Journal,
        forward: Forward,
    ) -> None:
        """`config` is the Subscription message as clients see it; `topic` is None when it's detached.

        Messages up to `born` are older than the subscription; those up to `floor` are acknowledged.
        """
        self.id = subscription_id
        self.name: str = config.name
        self.config = config
        self.topic = topic
        self._born = born
        self.counts = Counts()
        #: Waiting consumers: their events are set when there may be something to deliver.
        self.listeners: dict[asyncio.Event, None] = {}
        #: Why consumers must go away, once they must.
        self.closed: PubSubError | None = None
        self.leases = Leases()
        self._journal = journal
        self._forward = forward
        self._retry = RetryPolicy.of(config)
        self._attempts = Attempts(journal, subscription_id)
        #: Acknowledged since the last commit.
        self._acked: list[int] = []
        # From the clock, so that the tokens of a run are greater than those of the runs before it.
        self._token = self._first_token = time.time_ns() // 1000
        self._alarm = Alarm(self._on_alarm)
        self.backlog = self._open_backlog(floor)
        if topic is not None:
            topic.readers[self] = None
        else:
            self.closed = _detached()

    @property
    def is_push(self) -> bool:
        """Whether messages are pushed, so that pulling is refused."""
        return bool(self.config.push_config.push_endpoint)

    @property
    def has_more(self) -> bool:
        """Whether `take` looked at many messages in vain and stopped early; it goes on when called again."""
        return self.backlog is not None and self.backlog.has_more

    def check_pullable(self) -> None:
        """Raise FailedPreconditionError when messages are pushed instead."""
        if self.is_push:
            raise FailedPreconditionError("This method is not supported for this subscription type.")

    def configure(self, config: wire.Message) -> None:
        """Take over a changed configuration, checked and stored by the caller."""
        self.config = config
        self._retry = RetryPolicy.of(config)
        self.notify()

    def take(
        self,
        *,
        count: int,
        deadline_s: float,
        size_bytes: int = MAX_DELIVERY_BYTES,
        per_key: int = _NO_LIMIT,
        holder: Holder | None = None,
    ) -> list[Delivery]:
        """Up to `count` messages that may go now, each leased for `deadline_s`; empty when there's none.

        Raises what `closed` says.
        """
        if self.closed is not None:
            raise self.closed
        if self.backlog is None or count <= 0:
            return []
        now = _now()
        picked = self.backlog.pick(
            count=count, size_bytes=min(size_bytes, MAX_DELIVERY_BYTES), per_key=per_key, now=now
        )
        deliveries = [self._lease(each, now + deadline_s, holder) for each in picked]
        if deliveries:
            self._alarm.set(now + deadline_s)
        if self.backlog.has_more:
            asyncio.get_running_loop().call_soon(self.notify)
        if (ready := self.backlog.next_ready()) is not None:
            self._alarm.set(ready)
        if self.backlog.window.floor > self._saved_floor:
            # Not urgent: what the filter dropped, it would drop again.
            self._journal.enlist(self, soon=False)
        return deliveries

    def acknowledge(self, ack_ids: Iterable[str]) -> list[str]:
        """Acknowledge deliveries; those ids that are no longer valid.

        Raises InvalidArgumentError, having done nothing, when one never was an id of this subscription.
        """
        invalid: list[str] = []
        for ack_id, (sequence, token) in self._parse(ack_ids):
            lease = self.leases.find(sequence)
            if lease is not None and lease.token == token:
                self.settle(lease)
            elif not self._acknowledge_late(sequence, token):
                invalid.append(ack_id)
        return invalid

    def modify_deadlines(self, ack_ids: Iterable[str], seconds: float) -> list[str]:
        """Let deliveries expire in so many seconds from now; 0 refuses them. The ids that are no longer valid.

        Raises as `acknowledge` does.
        """
        invalid: list[str] = []
        deadline = _now() + seconds
        for ack_id, (sequence, token) in self._parse(ack_ids):
            lease = self.leases.find(sequence)
            if lease is None or lease.token != token:
                invalid.append(ack_id)
            elif seconds <= 0:
                self.refuse(lease)
            else:
                self.leases.extend(lease, deadline)
                self._alarm.set(deadline)
        return invalid

    def is_current(self, lease: Lease) -> bool:
        """Whether a lease hasn't ended: by its deadline, with its ordering key's batch, by a seek."""
        return self.leases.find(lease.sequence) is lease

    def settle(self, lease: Lease) -> None:
        """The message of a current lease was processed."""
        self.leases.remove(lease)
        self.counts.acknowledged += 1
        line = lease.line
        self._finish([lease.sequence] if line is None else line.acknowledge(lease.sequence))
        self._release(lease)

    def refuse(self, lease: Lease) -> None:
        """The message of a current lease was not processed: a failed attempt."""
        self.counts.refused += 1
        self._fail(lease)

    def put_back(self, lease: Lease) -> None:
        """The message of a current lease never reached its consumer: it goes again, and no attempt is counted."""
        self._return(lease, ready_at=0.0)

    def seek(self, floor: int) -> None:
        """Start over: up to `floor` all is acknowledged, above it what the journal's table `acked` says by now."""
        self._token += 1
        self._first_token = self._token
        self._attempts.clear()
        self._acked.clear()
        self.leases.clear()
        self.backlog = self._open_backlog(floor)
        self._journal.enlist(self)
        self.notify()

    def expire(self, floor: int) -> None:
        """Everything up to `floor` is older than the retention: drop it."""
        if self.backlog is None or floor <= self.backlog.window.floor:
            return
        for sequence in range(self.backlog.window.floor + 1, min(floor, self.backlog.window.cursor) + 1):
            lease = self.leases.find(sequence)
            if lease is not None:
                self.settle(lease)
        self.backlog.skip_until(floor)
        self._journal.enlist(self)

    def needed_from(self, now_us: int) -> int:
        """Up to where the topic may delete messages, as far as this subscription goes (see `topic.Reader`)."""
        if self.topic is None or self.backlog is None:
            return _NO_LIMIT
        floor = self.backlog.window.floor
        return min(floor, self.retention_floor(now_us)) if self.config.retain_acked_messages else floor

    def retention_floor(self, now_us: int) -> int:
        """The last message that is older than this subscription's retention, or than the subscription."""
        retention_us = int(wire.duration_s(self.config.message_retention_duration) * 1e6)
        return 0 if self.topic is None else max(self._born, self.topic.last_before(now_us - retention_us))

    def notify(self) -> None:
        """Wake every waiting consumer."""
        for event in self.listeners:
            event.set()

    def close(self, reason: PubSubError) -> None:
        """Deliver nothing any more; consumers go away with `reason`."""
        self.closed = reason
        self.leases.clear()
        self._alarm.cancel()
        if self.topic is not None:
            self.topic.readers.pop(self, None)
        self._journal.withdraw(self)
        self.notify()

    def detach(self) -> None:
        """Drop the backlog and let go of the topic."""
        self.close(_detached())
        self.topic = None
        self.backlog = None

    def save(self) -> None:
        """Write what was acknowledged since the last commit (see `journal.Participant`)."""
        if self.backlog is None:
            return
        floor = self.backlog.window.floor
        # In the ordinary case the floor has risen above all of them, and none needs a row.
        above = [(self.id, sequence) for sequence in self._acked if sequence > floor]
        if above:
            self._journal.run_many("insert_acked", above)
        if floor != self._saved_floor:
            self._journal.run("save_floor", floor, self.id)
            self._journal.run("forget_acked", self.id, floor)

    def saved(self) -> None:
        """What `save` wrote is committed."""
        self._acked.clear()
        if self.backlog is not None:
            self._saved_floor = self.backlog.window.floor

    def _open_backlog(self, floor: int) -> Backlog | None:
        self._saved_floor = -1
        if self.topic is None:
            return None
        return Backlog(
            topic=self.topic,
            subscription_id=self.id,
            floor=floor,
            ordered=self.config.enable_message_ordering,
            predicate=compile_filter(self.config.filter),
            journal=self._journal,
        )

    def _lease(self, picked: Picked, deadline: float, holder: Holder | None) -> Delivery:
        row = picked.row
        self._token += 1
        lease = Lease(
            sequence=row.sequence, token=self._token, size_bytes=len(row.body), holder=holder, line=picked.line
        )
        self.leases.add(lease, deadline)
        self.counts.delivered += 1
        attempt = self._attempts.failures(row.sequence) + 1 if self.config.HasField("dead_letter_policy") else 0
        return Delivery(lease, render_ack_id(self.id, lease), row, attempt)

    def _parse(self, ack_ids: Iterable[str]) -> list[tuple[str, tuple[int, int]]]:
        return [(ack_id, parse_ack_id(self.id, ack_id)) for ack_id in ack_ids]

    def _acknowledge_late(self, sequence: int, token: int) -> bool:
        """Accept an acknowledgement that comes after the deadline, where nothing forbids it; whether it was accepted.

        With an ordering key the message has gone back into its line, with others behind it. With exactly-once delivery
        Google refuses as well.
        """
        if (
            self.backlog is None
            or token < self._first_token
            or self.config.enable_message_ordering
            or self.config.enable_exactly_once_delivery
            or not self.backlog.window.is_open(sequence)
        ):
            return False
        lease = self.leases.find(sequence)
        if lease is not None:
            self.leases.remove(lease)
        self.counts.acknowledged += 1
        self._finish([sequence])
        return True

    def _finish(self, sequences: Iterable[int]) -> None:
        for sequence in sequences:
            if self.backlog is not None and self.backlog.finish(sequence):
                self._acked.append(sequence)
                self._attempts.forget(sequence)
        self._journal.enlist(self)

    def _fail(self, lease: Lease) -> None:
        failures = 0
        if self.config.HasField("retry_policy") or self.config.HasField("dead_letter_policy"):
            failures = self._attempts.fail(lease.sequence)
        if not self._forward_dead(lease, failures):
            delay_s = self._retry.delay_s(failures)
            self._return(lease, ready_at=_now() + delay_s if delay_s > 0 else 0.0)

    def _forward_dead(self, lease: Lease, failures: int) -> bool:
        if not self.config.HasField("dead_letter_policy") or self.topic is None:
            return False
        if failures < self.config.dead_letter_policy.max_delivery_attempts:
            return False
        row = self.topic.read(lease.sequence)
        if row is not None and not self._forward(self, row, failures):
            return False
        self.leases.remove(lease)
        self.counts.dead_lettered += 1
        line = lease.line
        self._finish([lease.sequence] if line is None else line.drop(lease.sequence))
        self._release(lease)
        return True

    def _return(self, lease: Lease, *, ready_at: float) -> None:
        """End a lease, so that its message goes again; with an ordering key, those behind it in the batch as well."""
        self.leases.remove(lease)
        if self.backlog is None:
            return
        if lease.line is None:
            self.backlog.return_message(lease.sequence, ready_at=ready_at, now=_now())
        else:
            for sequence in lease.line.give_back(lease.sequence, ready_at):
                behind = self.leases.find(sequence)
                if behind is not None:
                    self.leases.remove(behind)
            self._release(lease)
        self._wake_for_retry()

    def _release(self, lease: Lease) -> None:
        if lease.line is None or self.backlog is None:
            return
        self.backlog.release_line(lease.line, now=_now())
        self._wake_for_retry()

    def _wake_for_retry(self) -> None:
        ready = self.backlog.next_ready() if self.backlog is not None else None
        if ready is not None:
            self._alarm.set(ready)
        self.notify()

    def _on_alarm(self) -> None:
        # A little early is on time: the loop's clock may be coarser than the deadlines.
        now = _now() + 0.001
        for lease in self.leases.expired(now):
            # The first of a key's batch takes the rest with it.
            if self.is_current(lease):
                self.counts.expired += 1
                self._fail(lease)
        ready = self.backlog.next_ready() if self.backlog is not None else None
        if ready is not None and ready <= now:
            self.notify()
        for due in (self.leases.next_deadline(), ready):
            if due is not None and due > now:
                self._alarm.set(due)


def _now() -> float:
    return asyncio.get_running_loop().time()


def _detached() -> PubSubError:
    return FailedPreconditionError("The subscription is detached from its topic.")
