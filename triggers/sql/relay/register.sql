-- A relay comes to work: $1 host, $2 seconds that its row counts for. Its session takes the lock that says it lives.
INSERT INTO events.relay (backend_pid, host, expires_at)
SELECT pg_backend_pid(), $1, clock_timestamp() + make_interval(secs => $2)
FROM pg_advisory_lock($3::int, pg_backend_pid())
RETURNING id
