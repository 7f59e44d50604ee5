-- Marks what Pub/Sub has taken: $1 sequences, $2 message ids in the same order.
UPDATE events.outbox AS o
SET published_at = clock_timestamp(), message_id = m.message_id, attempts = o.attempts + 1
FROM unnest($1::bigint[], $2::text[]) AS m (sequence, message_id)
WHERE o.sequence = m.sequence
