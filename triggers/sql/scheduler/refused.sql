-- Cloud Tasks refuses a task: $1 id, $2 generation, $3 why. It stays as it is and is tried again; one row if that is news.
UPDATE events.scheduled_task AS t
SET last_error = $3::text
WHERE t.id = $1::uuid AND t.generation = $2::integer AND t.last_error IS DISTINCT FROM $3::text
RETURNING t.id
