-- The next events to replay, oldest first: $1 ids, $2 types, $3 ordering key, $4 from, $5 to (exclusive), $6 only those
-- with an open dead letter (of the agent $7, if one is named), $8 after this sequence number, $9 up to this one, $10 how
-- many. Neither replays nor what still waits for the relay.
SELECT o.id, o.sequence
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
    AND o.sequence <= $9::bigint
ORDER BY o.sequence
LIMIT $10::bigint
