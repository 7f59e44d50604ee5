-- Settles what was given up, without sending it again: $1 ids of events, $2 the agent whose dead letters they are, or null
-- for everybody's, $3 why, $4 who says so. Gives how many were open, and which events have none, open or settled.
WITH wanted AS (
    SELECT DISTINCT w.id FROM unnest($1::uuid[]) AS w (id)
),
-- In one order, so that two operators who discard the same letters wait for each other.
found AS MATERIALIZED (
    SELECT d.id, d.event_id
    FROM events.dead_letter AS d
    WHERE d.event_id IN (SELECT w.id FROM wanted AS w) AND ($2::text IS NULL OR d.agent = $2::text)
    ORDER BY d.id
    FOR UPDATE
),
discarded AS (
    UPDATE events.dead_letter AS d
    SET resolved_at = now(), resolution = 'discarded', resolution_reason = $3::text, resolved_by = $4::text
    FROM found AS f
    WHERE d.id = f.id AND d.resolved_at IS NULL
    RETURNING d.id
)
SELECT
    (SELECT count(*) FROM discarded) AS discarded,
    ARRAY(SELECT w.id FROM wanted AS w WHERE w.id NOT IN (SELECT f.event_id FROM found AS f)) AS unknown
