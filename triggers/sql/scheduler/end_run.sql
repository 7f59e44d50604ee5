-- Ends a run: $1 its id, $2 outcome, $3 error, $4 result.
UPDATE events.cron_run AS r
SET outcome = $2::text, error = $3::text, result = $4::text::jsonb, finished_at = clock_timestamp()
WHERE r.id = $1::uuid
