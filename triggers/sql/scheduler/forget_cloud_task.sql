-- Cloud Tasks has it no longer: $1 id, $2 its name there.
UPDATE events.scheduled_task AS t
SET cloud_task = NULL
WHERE t.id = $1::uuid AND t.cloud_task = $2::text
