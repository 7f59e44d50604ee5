-- Scheduled work that names an aggregate: $1 its id.
SELECT t.name, t.kind, t.target, t.due_at, t.status, t.attempts, t.last_error, t.created_at, t.finished_at
FROM events.scheduled_task AS t
WHERE position($1 IN t.name) > 0 OR position($1 IN t.payload::text) > 0
ORDER BY t.due_at
