-- Notes a failed attempt: $1 sequences, $2 what went wrong.
UPDATE events.outbox AS o
SET attempts = o.attempts + 1, last_error = m.error
FROM unnest($1::bigint[], $2::text[]) AS m (sequence, error)
WHERE o.sequence = m.sequence
