-- Ends a task: $1 the task, $2 its generation, $3 the agent, $4 why it failed (null: it is done). One row if it was open.
UPDATE events.scheduled_task AS t
SET
    status = CASE WHEN $4::text IS NULL THEN 'done' ELSE 'failed' END,
    last_error = $4::text,
    finished_at = now()
WHERE t.id = $1::text::uuid
    AND t.generation = $2::integer
    AND t.target = $3::text
    AND t.status IN ('scheduled', 'handed_over')
RETURNING t.status
