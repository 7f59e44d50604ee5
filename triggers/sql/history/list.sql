-- Events, newest first: $1 types, $2 ordering key, $3 state, $4 from, $5 to (exclusive), $6 how many; null means any.
SELECT
    o.id,
    o.replay_of,
    o.sequence,
    o.type,
    o.topic,
    o.ordering_key,
    o.created_at,
    o.published_at,
    o.dead_lettered_at,
    o.attempts,
    o.last_error,
    o.session_variables ->> 'x-hasura-role' AS role,
    o.session_variables ->> 'x-hasura-user-id' AS user_id,
    coalesce(handled.outcomes, '{}'::jsonb)::text AS outcomes,
    EXISTS (
        SELECT FROM events.dead_letter AS d
        WHERE d.event_id = coalesce(o.replay_of, o.id) AND d.resolved_at IS NULL
    ) AS dead
FROM events.history AS o
LEFT JOIN LATERAL (
    SELECT jsonb_object_agg(last.agent, last.outcome) AS outcomes
    FROM (
        SELECT DISTINCT ON (d.agent) d.agent, d.outcome
        FROM events.delivery AS d
        WHERE d.event_id = coalesce(o.replay_of, o.id)
        ORDER BY d.agent, d.started_at DESC
    ) AS last
) AS handled ON true
WHERE ($1::text[] IS NULL OR o.type = ANY ($1::text[]))
    AND ($2::text IS NULL OR o.subject = $2::text)
    AND ($4::timestamptz IS NULL OR o.created_at >= $4::timestamptz)
    AND ($5::timestamptz IS NULL OR o.created_at < $5::timestamptz)
    AND CASE $3::text
        -- By number: among a million, the few that wait would be looked for long.
        WHEN 'waiting' THEN o.sequence = ANY (
            ARRAY(SELECT w.sequence FROM events.waiting AS w ORDER BY w.sequence DESC LIMIT 100000)
        )
        WHEN 'published' THEN o.published_at IS NOT NULL
        -- By key: few events have an open dead letter, and among a million they would be looked for long.
        WHEN 'dead' THEN o.id = ANY (
            ARRAY(SELECT d.event_id FROM events.dead_letter AS d WHERE d.resolved_at IS NULL)
        )
        ELSE true
    END
-- A span of time is found by its blocks and then sorted; as long as the index on the sequence could do the sorting, the
-- planner would walk along it from the newest event to the span.
ORDER BY
    CASE
        WHEN $4::timestamptz IS NOT NULL AND $5::timestamptz IS NOT NULL THEN o.sequence + 0
        ELSE o.sequence
    END DESC
LIMIT $6::bigint
