-- Ends the sessions, and with them the lanes, of other relays that stand still: their process was stopped or their machine
-- paused, so that nobody moves their row's expiry on, while the kernel goes on answering for them. $1 relay, $2 seconds
-- after the expiry, $3 class of the locks that say who lives (a process id may be somebody else's by now). One that goes
-- on finds its session gone and begins anew.
SELECT r.id, r.host, pg_terminate_backend(r.backend_pid) AS ended
FROM events.relay AS r
WHERE r.id <> $1
    AND r.expires_at < clock_timestamp() - make_interval(secs => $2)
    AND EXISTS (
        SELECT FROM pg_locks AS l
        WHERE l.locktype = 'advisory'
            AND l.granted
            AND l.database = (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database())
            AND l.classid = $3::int::oid
            AND l.objid = r.backend_pid::oid
            AND l.objsubid = 2
            AND l.pid = r.backend_pid
    )
    AND EXISTS (SELECT FROM pg_stat_activity AS a WHERE a.pid = r.backend_pid AND a.usename = current_user)
