-- Ids of the newest events of an aggregate, and of what followed from them under the same traces: $1 subject, $2 how many.
WITH own AS (
    SELECT coalesce(o.replay_of, o.id) AS event_id, o.created_at, o.trace_id
    FROM events.history AS o
    WHERE o.subject = $1
    ORDER BY o.sequence DESC
    LIMIT $2::bigint
),
traces AS (
    SELECT w.trace_id, min(w.created_at) AS since, max(w.created_at) + interval '1 hour' AS until
    FROM own AS w
    WHERE w.trace_id <> ''
    GROUP BY w.trace_id
)
SELECT w.event_id FROM own AS w
UNION
SELECT o.event_id
FROM traces AS t
-- A trace at a time, each a look through the summaries of outbox_ranges_idx; the limit keeps it from becoming a join.
CROSS JOIN LATERAL (
    SELECT coalesce(h.replay_of, h.id) AS event_id
    FROM events.history AS h
    WHERE h.created_at BETWEEN t.since AND t.until AND h.trace_id = t.trace_id
    LIMIT 1000
) AS o
