-- Tells those who wait that this transaction has written events, when it commits: relays that sleep, and live queries of
-- the outbox. A pending NOTIFY takes a lock on the whole instance at commit, which lets one transaction commit at a time;
-- so nothing is notified while every relay is awake and polling, and nobody watches. Live queries aren't told which rows
-- are new, but that there are many.
--
-- Who writes events looks first whether anybody waits (`somebody_waits`), and calls `announce_events` only then: in the
-- row that lets the event wait, since a statement of its own would cost as much as an index. Each looks after its
-- transaction has its transaction id: a relay that goes to sleep waits for all transactions of that time (see
-- triggers/sleep.py and docs/events.md), and so does who begins to watch.
--
-- What they look at is one number, until when anybody waits. It is the value of a sequence, for that is read without
-- snapshot, scan or plan, which queries of both tables would need in every transaction. A sequence knows no
-- transactions: what is set is seen at once, before it is committed and at every isolation level. Who sees it too early,
-- or because a relay died asleep, looks at the tables in vain, until the moment has passed.
CREATE SEQUENCE events.awaited_until MINVALUE 0;

COMMENT ON SEQUENCE events.awaited_until IS
    'Until when a relay sleeps or a live query watches the outbox, in seconds since 1970; kept by events.note_waiting.';

-- One at a time until it commits: who waits now must not be overwritten by somebody who hasn't seen it yet.
CREATE FUNCTION events.note_waiting() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('events.awaited_until', 0));
    PERFORM setval('events.awaited_until', coalesce(ceil(date_part('epoch', max(waiting.until)))::bigint, 0))
    FROM (
        SELECT r.expires_at AS until FROM events.relay AS r WHERE r.asleep
        UNION ALL
        SELECT w.until FROM events.live_watch AS w WHERE w.table_key = 'events.outbox'
    ) AS waiting;
    RETURN NULL;
END;
$function$;

CREATE TRIGGER note_waiting AFTER INSERT OR UPDATE OR DELETE ON events.relay
FOR EACH STATEMENT EXECUTE FUNCTION events.note_waiting();

-- Watches are deleted long after they have ended.
CREATE TRIGGER note_waiting AFTER INSERT OR UPDATE ON events.live_watch
FOR EACH STATEMENT EXECUTE FUNCTION events.note_waiting();

-- Put in place of its call, as the functions of session.sql are.
CREATE FUNCTION events.somebody_waits() RETURNS boolean
LANGUAGE sql
RETURN pg_sequence_last_value('events.awaited_until') > date_part('epoch', clock_timestamp());

-- Gives 0, how often an event that begins to wait has failed. Under REPEATABLE READ and SERIALIZABLE the snapshot may be
-- older than the transaction's id, and what it says of relays and watches is no use: these notify whenever anybody waits.
CREATE FUNCTION events.announce_events() RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    -- What a live query is told (`events.notify_live`): the key columns, and that any key may be new.
    told CONSTANT text := json_build_object('t', 'events.outbox', 'c', json_build_array('id'), 'k', NULL)::text;
BEGIN
    IF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN
        NOTIFY caregraph_outbox;
        PERFORM pg_notify('caregraph_live', told);
        RETURN 0;
    END IF;
    IF EXISTS (SELECT FROM events.relay AS r WHERE r.asleep AND r.expires_at > clock_timestamp()) THEN
        NOTIFY caregraph_outbox;
    END IF;
    PERFORM pg_notify('caregraph_live', told)
    FROM events.live_watch AS w WHERE w.table_key = 'events.outbox' AND w.until > clock_timestamp();
    RETURN 0;
END;
$function$;

REVOKE EXECUTE ON FUNCTION events.announce_events() FROM PUBLIC;

-- The row of a relay changes often and is read by every commit that may have to wake it: keep its versions on one page.
ALTER TABLE events.relay SET (fillfactor = 20, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 200);

ALTER TABLE events.outbox SET (autovacuum_analyze_scale_factor = 0.05);

-- A published event leaves a dead entry at the front of the index that the relay reads from.
ALTER TABLE events.waiting SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000);
