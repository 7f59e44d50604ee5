-- Wakes the relays that sleep, when this transaction commits. A pending NOTIFY takes a lock on the whole instance at
-- commit, which lets one transaction commit at a time; so nothing is notified while every relay is awake and polling.
--
-- It runs after the row was inserted, so that this transaction has its transaction id before `asleep` is read: a relay
-- that goes to sleep waits for all transactions of that time (see triggers/sleep.py and docs/events.md). Under
-- REPEATABLE READ and SERIALIZABLE the snapshot may be older than that id, and what it says of the relay is no use.
-- A relay that died asleep costs notifications until its row expires, and no longer.
CREATE FUNCTION events.wake_relay() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    IF EXISTS (SELECT FROM events.relay AS r WHERE r.asleep AND r.expires_at > clock_timestamp())
        OR current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted')
    THEN
        NOTIFY caregraph_outbox;
    END IF;
    RETURN NULL;
END;
$function$;

CREATE TRIGGER wake_relay AFTER INSERT ON events.outbox
FOR EACH STATEMENT EXECUTE FUNCTION events.wake_relay();

-- The row of a relay changes often and is read by every commit: keep its versions on one page.
ALTER TABLE events.relay SET (fillfactor = 20, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 200);

-- Marking a row as published leaves a dead entry at the front of the index that the relay reads from.
ALTER TABLE events.outbox SET (
    fillfactor = 90,
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 20000,
    autovacuum_analyze_scale_factor = 0.05
);
