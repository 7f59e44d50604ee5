-- Tasks that Cloud Tasks has and should not: cancelled, or planned anew. $1 how many.
SELECT t.id, t.cloud_task
FROM events.scheduled_task AS t
WHERE t.cloud_task IS NOT NULL
    AND (t.status = 'cancelled' OR t.cloud_task <> t.id::text || '-' || t.generation)
LIMIT $1::bigint
