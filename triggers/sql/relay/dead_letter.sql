-- Gives an event up: $1 lane, $2 sequence, $3 reason. Its key goes on, since it waits no more. Data of a size that could
-- not be replayed anyway isn't copied; it stays in the outbox.
WITH given_up AS (
    DELETE FROM events.waiting AS w WHERE w.lane = $1 AND w.sequence = $2 RETURNING w.sequence, w.attempts + 1 AS attempts
),
noted AS (
    INSERT INTO events.publication (sequence, attempts, last_error, dead_lettered_at)
    SELECT g.sequence, g.attempts, $3, clock_timestamp()
    FROM given_up AS g
)
INSERT INTO events.dead_letter (event_id, agent, reason, attempts, event)
SELECT
    coalesce(o.replay_of, o.id),
    'relay',
    $3,
    g.attempts,
    jsonb_build_object(
        'id', coalesce(o.replay_of, o.id),
        'type', o.type,
        'source', o.source,
        'subject', o.subject,
        'time', o.created_at,
        'topic', o.topic,
        'ordering_key', o.ordering_key,
        'traceparent', o.traceparent,
        'data', CASE WHEN octet_length(o.data::text) <= 1000000 THEN o.data END
    )
FROM given_up AS g
JOIN events.outbox AS o ON o.sequence = g.sequence
