-- Begins a run of a job: $1 job, $2 when it was due. Its id, or null when that run has begun before and is over. A run
-- that began and has no end was interrupted, since whoever asks holds the job's lock: it begins anew.
INSERT INTO events.cron_run AS r (job, due_at)
VALUES ($1::text, $2::timestamptz)
ON CONFLICT (job, due_at) DO UPDATE
SET started_at = now(), outcome = 'running', finished_at = NULL, error = NULL
WHERE r.outcome IN ('running', 'failed', 'abandoned')
RETURNING r.id
