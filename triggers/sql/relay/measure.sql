-- How much waits (counted up to 100,000, beyond which the number says nothing more) and since when the oldest does.
SELECT
    (SELECT count(*) FROM (SELECT FROM events.waiting AS w LIMIT 100000) AS counted) AS waiting,
    coalesce(extract(epoch FROM clock_timestamp() - min(o.created_at)), 0)::float8 AS oldest_age_s
FROM generate_series(0, $1::int - 1) AS every (lane)
CROSS JOIN LATERAL (
    SELECT w.sequence FROM events.waiting AS w WHERE w.lane = every.lane ORDER BY w.sequence LIMIT 1
) AS oldest
JOIN events.outbox AS o ON o.sequence = oldest.sequence
