-- Which of the named events can't be replayed, as JSON: $1 their ids. `unknown` are in no row of the outbox, `waiting`
-- have yet to be published for the first time. A replay's id stands for its original.
WITH wanted AS (
    SELECT DISTINCT coalesce(o.replay_of, w.id) AS id
    FROM unnest($1::text[]::uuid[]) AS w (id)
    LEFT JOIN events.history AS o ON o.id = w.id
),
found AS (
    SELECT w.id, o.id IS NOT NULL AS known, o.published_at IS NULL AND o.dead_lettered_at IS NULL AS waiting
    FROM wanted AS w
    LEFT JOIN events.history AS o ON o.id = w.id
)
SELECT json_build_object(
    'unknown', coalesce(json_agg(f.id) FILTER (WHERE NOT f.known), '[]'),
    'waiting', coalesce(json_agg(f.id) FILTER (WHERE f.known AND f.waiting), '[]')
)
FROM found AS f
