-- Cloud Tasks gave a task up, or lost it: $1 id, $2 generation, $3 how often that is tried again, $4 what to say. It is
-- planned anew, or has failed. The agent's own record tells whether it was done: then this changes nothing.
UPDATE events.scheduled_task AS t
SET
    status = CASE WHEN t.generation < $3::integer THEN 'scheduled' ELSE 'failed' END,
    finished_at = CASE WHEN t.generation < $3::integer THEN NULL ELSE now() END,
    last_error = $4::text,
    cloud_task = NULL
WHERE t.id = $1::uuid AND t.generation = $2::integer AND t.status = 'handed_over'
RETURNING t.status
