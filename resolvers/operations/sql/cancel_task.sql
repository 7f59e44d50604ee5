-- Cancels an agent's task: $1 its name, $2 the agent. One row if it was open. What Cloud Tasks has of it is removed by the
-- scheduler, and refused by `begin_task` until then.
UPDATE events.scheduled_task AS t
SET status = 'cancelled', finished_at = now()
WHERE t.name = $1::text AND t.target = $2::text AND t.status IN ('scheduled', 'handed_over')
RETURNING t.status
