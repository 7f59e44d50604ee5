-- What Pub/Sub has taken waits no more: $1 lanes, $2 sequences, $3 message ids in the same order. What another relay has
-- marked meanwhile stays as it is.
WITH done AS (
    DELETE FROM events.waiting AS w
    USING unnest($1::smallint[], $2::bigint[], $3::text[]) AS m (lane, sequence, message_id)
    WHERE w.lane = m.lane AND w.sequence = m.sequence
    RETURNING w.sequence, w.attempts, w.last_error, m.message_id
)
INSERT INTO events.publication (sequence, published_at, message_id, attempts, last_error)
SELECT d.sequence, clock_timestamp(), d.message_id, d.attempts + 1, d.last_error
FROM done AS d
