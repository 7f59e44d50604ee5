-- The data of one event that was too large to come with the others: $1 sequence.
SELECT o.data::text FROM events.outbox AS o WHERE o.sequence = $1
