-- Ids of the events of one trace: $1 trace id. However far apart: what was scheduled comes months later. The time, which
-- is no condition, tells the planner that outbox_ranges_idx goes along with the order of the rows; by the trace id alone
-- it would expect to read all of them.
SELECT DISTINCT coalesce(h.replay_of, h.id) AS event_id
FROM (
    SELECT h.id, h.replay_of
    FROM events.history AS h
    WHERE h.trace_id = $1 AND h.created_at > '2000-01-01'
    LIMIT 1000
) AS h
