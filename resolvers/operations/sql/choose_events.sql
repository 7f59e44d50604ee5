-- The next events to replay, oldest first, and how many follow, as JSON: $1 ids, $2 types, $3 subject, $4 from, $5 to
-- (exclusive), $6 agent, $7 only those with an open dead letter (of that agent, if one is named), $8 after this sequence
-- number, $9 how many, $10 up to this sequence number, or null. Neither replays nor what still waits for the relay.
WITH chosen AS MATERIALIZED (
    SELECT o.id, o.sequence, row_number() OVER (ORDER BY o.sequence) AS number
    FROM events.history AS o
    WHERE o.replay_of IS NULL
        AND (o.published_at IS NOT NULL OR o.dead_lettered_at IS NOT NULL)
        AND (
            $1::text[] IS NULL
            OR o.id IN (
                SELECT coalesce(given.replay_of, given.id)
                FROM events.history AS given
                WHERE given.id = ANY ($1::text[]::uuid[])
            )
        )
        AND ($2::text[] IS NULL OR o.type = ANY ($2::text[]))
        AND ($3::text IS NULL OR o.subject = $3::text)
        AND ($4::text IS NULL OR o.created_at >= $4::text::timestamptz)
        AND ($5::text IS NULL OR o.created_at < $5::text::timestamptz)
        AND (
            NOT $7::boolean
            OR o.id = ANY (
                ARRAY(
                    SELECT d.event_id
                    FROM events.dead_letter AS d
                    WHERE d.resolved_at IS NULL AND ($6::text IS NULL OR d.agent = $6::text)
                )
            )
        )
        AND o.sequence > $8::bigint
        AND ($10::bigint IS NULL OR o.sequence <= $10::bigint)
)
SELECT json_build_object(
    'ids', coalesce(json_agg(c.id ORDER BY c.sequence) FILTER (WHERE c.number <= $9::bigint), '[]'),
    'reached', max(c.sequence) FILTER (WHERE c.number <= $9::bigint),
    'newest', max(c.sequence),
    'remaining', count(*) FILTER (WHERE c.number > $9::bigint)
)
FROM chosen AS c
