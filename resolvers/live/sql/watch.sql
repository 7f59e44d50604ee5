-- Moves the watches of tables $1 on to $2 seconds from now, where less than $3 seconds are left: of several processes
-- that watch a table, one does it for all. Sorted names keep processes from waiting for each other in a circle.
INSERT INTO events.live_watch AS w (table_key, until)
SELECT name, clock_timestamp() + make_interval(secs => $2::float8)
FROM unnest($1::text[]) AS name
ORDER BY name
ON CONFLICT (table_key) DO UPDATE SET until = excluded.until
WHERE w.until < clock_timestamp() + make_interval(secs => $3::float8)
