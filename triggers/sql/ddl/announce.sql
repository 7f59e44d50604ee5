-- Tells those who wait that this transaction has written events, when it commits: relays that sleep, and live queries of
-- the outbox. A pending NOTIFY takes a lock on the whole instance at commit, which lets one transaction commit at a time;
-- so nothing is notified while every relay is awake and polling, and nobody watches. That is looked up in one statement,
-- by one trigger and without a table of the new rows, since every event pays for it; live queries aren't told which rows
-- are new, but that there are many.
--
-- It runs after the row was inserted, so that this transaction has its transaction id before it looks: a relay that goes
-- to sleep waits for all transactions of that time (see triggers/sleep.py and docs/events.md), and so does who begins to
-- watch. Under REPEATABLE READ and SERIALIZABLE the snapshot may be older than that id, and what it says is no use: these
-- notify always. A relay that died asleep costs notifications until its row expires, and no longer.
CREATE FUNCTION events.announce() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    IF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN
        NOTIFY caregraph_outbox;
        PERFORM pg_notify('caregraph_live', json_build_object('t', 'events.outbox', 'c', TG_ARGV, 'k', NULL)::text);
    ELSIF EXISTS (
        SELECT FROM events.relay AS r WHERE r.asleep AND r.expires_at > clock_timestamp()
        UNION ALL
        SELECT FROM events.live_watch AS w WHERE w.table_key = 'events.outbox' AND w.until > clock_timestamp()
    )
    THEN
        IF EXISTS (SELECT FROM events.relay AS r WHERE r.asleep AND r.expires_at > clock_timestamp()) THEN
            NOTIFY caregraph_outbox;
        END IF;
        PERFORM pg_notify('caregraph_live', json_build_object('t', 'events.outbox', 'c', TG_ARGV, 'k', NULL)::text)
        FROM events.live_watch AS w WHERE w.table_key = 'events.outbox' AND w.until > clock_timestamp();
    END IF;
    RETURN NULL;
END;
$function$;

CREATE TRIGGER announce AFTER INSERT ON events.outbox
FOR EACH STATEMENT EXECUTE FUNCTION events.announce('id');

-- The row of a relay changes often and is read by every commit: keep its versions on one page.
ALTER TABLE events.relay SET (fillfactor = 20, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 200);

-- Marking a row as published leaves a dead entry at the front of the index that the relay reads from.
ALTER TABLE events.outbox SET (
    fillfactor = 90,
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 20000,
    autovacuum_analyze_scale_factor = 0.05
);
