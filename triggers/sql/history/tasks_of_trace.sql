-- Scheduled work that was planned in a trace: $1 trace id.
SELECT t.name, t.kind, t.target, t.due_at, t.status, t.attempts, t.last_error, t.created_at, t.finished_at
FROM events.scheduled_task AS t
WHERE split_part(t.traceparent, '-', 2) = $1
ORDER BY t.due_at
