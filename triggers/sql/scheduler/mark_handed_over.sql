-- Cloud Tasks has the task: $1 id, $2 generation, $3 its name there, $4 now. One row if it is still the same and open. A
-- task due now may be done before this.
UPDATE events.scheduled_task AS t
SET
    status = CASE WHEN t.status = 'scheduled' THEN 'handed_over' ELSE t.status END,
    handed_over_at = $4::timestamptz,
    cloud_task = $3::text
WHERE t.id = $1::uuid AND t.generation = $2::integer AND t.status <> 'cancelled'
RETURNING t.id
