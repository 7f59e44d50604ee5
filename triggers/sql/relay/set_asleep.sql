-- From its commit on, transactions with events notify this relay (or no longer do): $1 relay, $2 asleep, $3 seconds that
-- its row counts for.
UPDATE events.relay AS r
SET asleep = $2, expires_at = clock_timestamp() + make_interval(secs => $3)
WHERE r.id = $1
RETURNING r.id
