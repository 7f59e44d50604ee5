-- How many events a replay would send, and the newest of them: as to_replay, $1 to $9
-- (null: no end).
SELECT count(*) AS events, coalesce(max(o.sequence), 0) AS newest
FROM events.history AS o
WHERE o.replay_of IS NULL
    AND (o.published_at IS NOT NULL OR o.dead_lettered_at IS NOT NULL)
    AND ($1::uuid[] IS NULL OR o.id = ANY ($1::uuid[]))
    AND ($2::text[] IS NULL OR o.type = ANY ($2::text[]))
    AND ($3::text IS NULL OR o.subject = $3::text)
    AND ($4::timestamptz IS NULL OR o.created_at >= $4::timestamptz)
    AND ($5::timestamptz IS NULL OR o.created_at < $5::timestamptz)
    AND (
        NOT $6::boolean
        OR o.id = ANY (
            ARRAY(
                SELECT d.event_id
                FROM events.dead_letter AS d
                WHERE d.resolved_at IS NULL AND ($7::text IS NULL OR d.agent = $7::text)
            )
        )
    )
    AND o.sequence > $8::bigint
    AND ($9::bigint IS NULL OR o.sequence <= $9::bigint)
