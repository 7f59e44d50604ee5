-- Tells those who wait that this transaction has written events, when it commits: relays that sleep, and live queries of
-- the outbox. A pending NOTIFY takes a lock on the whole instance at commit, which lets one transaction commit at a time;
-- so nothing is notified while every relay is awake and polling, and nobody watches. Live queries aren't told which rows
-- are new, but that there are many.
--
-- Who writes events looks first whether anybody waits, and calls this only then. Triggers of tables look in the very
-- statement that writes the event, which costs half of what a statement or a trigger of its own does; for all others the
-- outbox's trigger looks, below. Each looks after its transaction has its transaction id: a relay that goes to sleep
-- waits for all transactions of that time (see triggers/sleep.py and docs/events.md), and so does who begins to watch.
-- Under REPEATABLE READ and SERIALIZABLE the snapshot may be older than that id, and what it says is no use: these notify
-- always. A relay that died asleep costs notifications until its row expires, and no longer.
CREATE FUNCTION events.announce_events() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    -- What a live query is told (`events.notify_live`): the key columns, and that any key may be new.
    told CONSTANT text := json_build_object('t', 'events.outbox', 'c', json_build_array('id'), 'k', NULL)::text;
BEGIN
    IF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN
        NOTIFY caregraph_outbox;
        PERFORM pg_notify('caregraph_live', told);
        RETURN;
    END IF;
    IF EXISTS (SELECT FROM events.relay AS r WHERE r.asleep AND r.expires_at > clock_timestamp()) THEN
        NOTIFY caregraph_outbox;
    END IF;
    PERFORM pg_notify('caregraph_live', told)
    FROM events.live_watch AS w WHERE w.table_key = 'events.outbox' AND w.until > clock_timestamp();
END;
$function$;

REVOKE EXECUTE ON FUNCTION events.announce_events() FROM PUBLIC;

CREATE FUNCTION events.announce() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    IF {{somebody_waits}}
    THEN
        PERFORM events.announce_events();
    END IF;
    RETURN NULL;
END;
$function$;

-- What writes events below another trigger is a trigger of ours, and has looked by itself. The argument names the key that
-- live queries are told of, as with other tables' triggers.
CREATE TRIGGER announce AFTER INSERT ON events.outbox
FOR EACH STATEMENT WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION events.announce('id');

-- The row of a relay changes often and is read by every commit: keep its versions on one page.
ALTER TABLE events.relay SET (fillfactor = 20, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 200);

-- Marking a row as published leaves a dead entry at the front of the index that the relay reads from.
ALTER TABLE events.outbox SET (
    fillfactor = 90,
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 20000,
    autovacuum_analyze_scale_factor = 0.05
);
