-- A transaction id of our own: every transaction that had one before has a lower one.
SELECT pg_current_xact_id()::text::bigint
