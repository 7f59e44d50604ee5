-- The tables all of whose changes are told of, with the arguments of their triggers: names of columns, each ended by a
-- zero byte. A trigger that is switched off, or fires in replicas only, tells nothing.
SELECT n.nspname || '.' || c.relname, array_agg(t.tgargs)
FROM pg_catalog.pg_trigger AS t
JOIN pg_catalog.pg_class AS c ON c.oid = t.tgrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE t.tgfoid = to_regprocedure('events.notify_live()') AND t.tgenabled IN ('O', 'A')
GROUP BY c.oid, n.nspname, c.relname
-- INSERT, UPDATE, DELETE and TRUNCATE; of new rows in the outbox those tell who write them (`events.announce_events`).
HAVING count(*) = CASE WHEN c.oid = to_regclass('events.outbox') THEN 3 ELSE 4 END
