-- Which of the events $1 can't be replayed: in no row of the outbox, or yet to be published for the first time. A replay's
-- id stands for its original.
WITH wanted AS (
    SELECT DISTINCT coalesce(h.replay_of, w.id) AS id
    FROM unnest($1::uuid[]) AS w (id)
    LEFT JOIN events.history AS h ON h.id = w.id
)
SELECT
    w.id,
    h.id IS NOT NULL AS known,
    h.id IS NULL OR (h.published_at IS NULL AND h.dead_lettered_at IS NULL) AS unready
FROM wanted AS w
LEFT JOIN events.history AS h ON h.id = w.id
