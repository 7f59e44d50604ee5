-- Earlier runs of a job that were interrupted: $1 job, $2 the run that begins now.
UPDATE events.cron_run AS r
SET outcome = 'abandoned', finished_at = now(), error = 'interrupted'
WHERE r.job = $1::text AND r.outcome = 'running' AND r.due_at <> $2::timestamptz
