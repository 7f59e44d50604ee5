-- Tasks that were handed over and should be done by now: $1 due before, $2 how many.
SELECT t.id, t.name, t.generation, t.cloud_task
FROM events.scheduled_task AS t
WHERE t.status = 'handed_over' AND t.due_at < $1::timestamptz AND t.cloud_task IS NOT NULL
ORDER BY t.due_at
LIMIT $2::bigint
