-- What agents made of events: $1 event ids.
SELECT d.event_id, d.agent, d.attempt, d.outcome, d.error, d.effects::text AS effects, d.started_at, d.finished_at
FROM events.delivery AS d
WHERE d.event_id = ANY ($1::uuid[])
ORDER BY d.started_at, d.attempt
