-- Gives an agent's task another time, also one that was cancelled or has failed: $1 its name, $2 the agent, $3 when. One
-- row unless it is done or unknown. The trigger `plan_anew` makes it a new generation.
UPDATE events.scheduled_task AS t
SET status = 'scheduled', due_at = $3::text::timestamptz, last_error = NULL
WHERE t.name = $1::text AND t.target = $2::text AND t.status <> 'done'
RETURNING t.generation::text
