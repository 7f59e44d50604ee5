-- Tasks to hand over to Cloud Tasks, the first due first: $1 due before, $2 agents that can be reached, $3 how many.
SELECT
    t.id,
    t.name,
    t.kind,
    t.target,
    t.payload::text AS payload,
    t.due_at,
    t.traceparent,
    t.generation,
    t.id::text || '-' || t.generation AS cloud_task
FROM events.scheduled_task AS t
WHERE t.status = 'scheduled' AND t.due_at < $1::timestamptz AND t.target = ANY ($2::text[])
ORDER BY t.due_at
LIMIT $3::bigint
