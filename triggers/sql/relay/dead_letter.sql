-- Gives an event up: $1 sequence, $2 reason. Its key goes on, since no relay reads the row any more. Data of a size
-- that could not be replayed anyway isn't copied; it stays in the outbox.
WITH given_up AS (
    UPDATE events.outbox AS o
    SET dead_lettered_at = clock_timestamp(), attempts = o.attempts + 1, last_error = $2
    WHERE o.sequence = $1 AND o.published_at IS NULL AND o.dead_lettered_at IS NULL
    RETURNING o.*
)
INSERT INTO events.dead_letter (event_id, agent, reason, attempts, event)
SELECT
    coalesce(g.replay_of, g.id),
    'relay',
    $2,
    g.attempts,
    jsonb_build_object(
        'id', coalesce(g.replay_of, g.id),
        'type', g.type,
        'source', g.source,
        'subject', g.subject,
        'time', g.created_at,
        'topic', g.topic,
        'ordering_key', g.ordering_key,
        'traceparent', g.traceparent,
        'data', CASE WHEN octet_length(g.data::text) <= 1000000 THEN g.data END
    )
FROM given_up AS g
