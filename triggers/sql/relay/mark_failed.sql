-- Notes a failed attempt: $1 lanes, $2 sequences, $3 what went wrong.
UPDATE events.waiting AS w
SET attempts = w.attempts + 1, last_error = m.error
FROM unnest($1::smallint[], $2::bigint[], $3::text[]) AS m (lane, sequence, error)
WHERE w.lane = m.lane AND w.sequence = m.sequence
