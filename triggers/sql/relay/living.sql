-- How many relays live, told by the locks of their sessions, which end with the session: $1 class of those locks.
SELECT count(*)
FROM pg_locks AS l
WHERE l.locktype = 'advisory'
    AND l.granted
    AND l.database = (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database())
    AND l.classid = $1::int::oid
    AND l.objsubid = 2
