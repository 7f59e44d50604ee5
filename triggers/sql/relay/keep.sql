-- A living relay moves its expiry on and says how many lanes it has: $1 relay, $2 lanes, $3 seconds. Relays whose session
-- is gone are forgotten ($4: class of the locks that say who lives).
WITH gone AS (
    DELETE FROM events.relay AS r
    WHERE r.id <> $1
        AND NOT EXISTS (
            SELECT FROM pg_locks AS l
            WHERE l.locktype = 'advisory'
                AND l.granted
                AND l.database = (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database())
                AND l.classid = $4::int::oid
                AND l.objid = r.backend_pid::oid
                AND l.objsubid = 2
        )
)
UPDATE events.relay AS r
SET lanes = $2, expires_at = clock_timestamp() + make_interval(secs => $3)
WHERE r.id = $1
RETURNING r.id
