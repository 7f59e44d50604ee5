-- How much waits (counted up to 100,000, beyond which the number says nothing more) and since when the oldest does.
SELECT
    (
        SELECT count(*)
        FROM (
            SELECT FROM events.outbox AS o
            WHERE o.published_at IS NULL AND o.dead_lettered_at IS NULL
            LIMIT 100000
        ) AS counted
    ) AS waiting,
    coalesce(extract(epoch FROM clock_timestamp() - min(oldest.created_at)), 0)::float8 AS oldest_age_s
FROM generate_series(0, $1::int - 1) AS every (lane)
LEFT JOIN LATERAL (
    SELECT o.created_at
    FROM events.outbox AS o
    WHERE o.lane = every.lane AND o.published_at IS NULL AND o.dead_lettered_at IS NULL
    ORDER BY o.sequence
    LIMIT 1
) AS oldest ON true
