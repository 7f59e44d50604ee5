-- Events given up, and what became of them: $1 event ids.
SELECT d.id, d.event_id, d.agent, d.reason, d.attempts, d.created_at, d.resolved_at, d.resolution
FROM events.dead_letter AS d
WHERE d.event_id = ANY ($1::uuid[])
ORDER BY d.created_at
