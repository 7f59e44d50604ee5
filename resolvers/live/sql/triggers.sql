-- The tables all of whose changes are told of, with the arguments of their triggers: names of columns, each ended by a
-- zero byte. A trigger that is switched off, or fires in replicas only, tells nothing. (`announce` is called by inserts
-- into the outbox; it tells that there are new rows, and not which.)
SELECT n.nspname || '.' || c.relname, array_agg(t.tgargs)
FROM pg_catalog.pg_trigger AS t
JOIN pg_catalog.pg_class AS c ON c.oid = t.tgrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE t.tgfoid IN (to_regprocedure('events.notify_live()'), to_regprocedure('events.announce()'))
    AND t.tgenabled IN ('O', 'A')
GROUP BY n.nspname, c.relname
-- INSERT, UPDATE, DELETE and TRUNCATE.
HAVING count(*) = 4
