-- Events by their ids, with every row that published them: $1 ids. A replay's own id finds its original.
WITH asked AS (
    SELECT DISTINCT coalesce(o.replay_of, o.id) AS event_id, o.subject
    FROM events.history AS o
    WHERE o.id = ANY ($1::uuid[])
)
SELECT
    a.event_id,
    o.id,
    o.sequence,
    o.type,
    o.topic,
    o.subject,
    o.source,
    o.data::text AS data,
    o.session_variables ->> 'x-hasura-role' AS role,
    o.session_variables ->> 'x-hasura-user-id' AS user_id,
    o.traceparent,
    o.created_at,
    o.published_at,
    o.message_id,
    o.attempts,
    o.last_error,
    o.dead_lettered_at
FROM asked AS a
-- By subject, which is indexed; replays of an event have its subject.
JOIN events.history AS o ON o.subject = a.subject AND a.event_id IN (o.id, o.replay_of)
ORDER BY o.sequence
