"""Pub/Sub for one machine: `google.pubsub.v1` over gRPC, kept in one SQLite file.

The way of a message:

1. `publisher.PublisherService.publish` checks it (`limits`), the topic gives it a sequence number and an id (`topic`).
2. The row goes into the open transaction of the `journal`; everything of one turn of the event loop is committed
   together, and only then does the publisher get its answer and do the subscriptions hear of it.
3. Each `subscription` walks the topic at its own pace: its `backlog` picks what may go next (retries that are due,
   ordering keys that are free, then new messages that pass its `filter`), and what was picked is on `leases`.
4. A consumer takes it: a `Pull` (`subscriber`), a `StreamingPull` (`streaming`) or an HTTP push (`push`).
5. Acknowledged, it is marked in the subscription's `window` and, with the next commit, in the journal. Refused or
   expired, it waits as long as the `retry` policy says and goes again, or to the dead letter topic.
6. What no subscription and no snapshot needs any more is deleted (`topic.Topic.trim`).

Everything runs on one event loop, so a change of state needs no locks: it's whole or it hasn't begun.
`README.md` says what is the same as Google's and what is not.
"""
