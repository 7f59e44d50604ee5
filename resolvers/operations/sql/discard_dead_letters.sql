-- Settles dead letters without sending their events again: $1 ids of dead letters, $2 why, $3 who says so. As JSON:
-- how many were, which ids are unknown, and which were replayed before. Those discarded before stay as they are.
WITH wanted AS (
    SELECT DISTINCT w.id FROM unnest($1::text[]::uuid[]) AS w (id)
),
-- In one order, so that two operators who discard the same letters wait for each other.
found AS MATERIALIZED (
    SELECT d.id, d.resolution
    FROM events.dead_letter AS d
    WHERE d.id IN (SELECT w.id FROM wanted AS w)
    ORDER BY d.id
    FOR UPDATE
),
discarded AS (
    UPDATE events.dead_letter AS d
    SET resolved_at = now(), resolution = 'discarded', resolution_reason = $2::text, resolved_by = $3::text
    FROM found AS f
    WHERE d.id = f.id AND f.resolution IS NULL
    RETURNING d.id
)
SELECT json_build_object(
    'discarded', (SELECT count(*) FROM discarded),
    'unknown', (SELECT coalesce(json_agg(w.id), '[]') FROM wanted AS w WHERE w.id NOT IN (SELECT f.id FROM found AS f)),
    'replayed', (SELECT coalesce(json_agg(f.id), '[]') FROM found AS f WHERE f.resolution = 'replayed')
)
