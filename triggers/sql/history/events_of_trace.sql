-- Ids of the events of one trace: $1 trace id. However far apart: what was scheduled comes months later.
SELECT DISTINCT coalesce(h.replay_of, h.id) AS event_id
FROM (
    SELECT h.id, h.replay_of
    FROM events.history AS h
    WHERE split_part(h.traceparent, '-', 2) = $1
    LIMIT 1000
) AS h
