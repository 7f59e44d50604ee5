-- Tells the API's processes that rows of a table changed, while somebody there is subscribed to it.
--
-- A commit with a pending NOTIFY takes a lock on the whole instance, which lets one transaction commit at a time; so
-- nothing is notified for a table that nobody watches, and what is left is one look-up by key. A process that loses its
-- last subscriber lets its row run out.
--
-- The statement has changed rows before this runs, so that this transaction has its transaction id before it looks for
-- a watch: a process that begins to watch waits for all transactions of that time (resolvers/live/watch.py and
-- docs/decisions/live-queries-run-on-change.md). Under REPEATABLE READ and SERIALIZABLE the snapshot may be older than
-- that id, and what it says of the watch is no use: these notify always.
--
-- The payload names the table (`t`), the columns that the trigger was given (`c`) and their values in the rows before
-- and after (`k`: a list of lists of text), or null for `k` when there are more than 50 or they don't fit.
CREATE FUNCTION events.notify_live() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    name CONSTANT text := TG_TABLE_SCHEMA || '.' || TG_TABLE_NAME;
    max_rows CONSTANT integer := 50;
    -- NOTIFY takes less than 8000 bytes, and a longer payload would fail the transaction.
    max_bytes CONSTANT integer := 7900;
    keys text;
    sources text[] := '{}';
    inserted bigint;
    deleted bigint;
    changed json;
    payload text;
BEGIN
    IF current_setting('transaction_isolation') IN ('read committed', 'read uncommitted')
        AND NOT EXISTS (
            SELECT FROM events.live_watch AS w WHERE w.table_key = name AND w.until > clock_timestamp()
        )
    THEN
        RETURN NULL;
    END IF;

    IF TG_OP <> 'TRUNCATE' THEN
        SELECT 'ARRAY[' || string_agg(format('%I::text', c), ', ') || ']' INTO keys FROM unnest(TG_ARGV) AS c;
        IF TG_OP <> 'DELETE' THEN
            sources := sources || format('(SELECT true AS is_new, %s AS k FROM new_rows LIMIT %s)', keys, max_rows + 1);
        END IF;
        IF TG_OP <> 'INSERT' THEN
            sources := sources || format('(SELECT false AS is_new, %s AS k FROM old_rows LIMIT %s)', keys, max_rows + 1);
        END IF;
        EXECUTE format(
            'SELECT count(*) FILTER (WHERE is_new), count(*) FILTER (WHERE NOT is_new), json_agg(DISTINCT k) FROM (%s) v',
            array_to_string(sources, ' UNION ALL ')
        ) INTO inserted, deleted, changed;
        IF inserted = 0 AND deleted = 0 THEN
            RETURN NULL;
        END IF;
        IF greatest(inserted, deleted) > max_rows THEN
            changed := NULL;
        END IF;
    END IF;

    payload := json_build_object('t', name, 'c', to_json(TG_ARGV), 'k', changed)::text;
    IF octet_length(payload) > max_bytes THEN
        payload := json_build_object('t', name, 'c', to_json(TG_ARGV), 'k', NULL)::text;
    END IF;
    PERFORM pg_notify('caregraph_live', payload);
    RETURN NULL;
END;
$function$;

-- The rows of live_watch change every few seconds and are read by every statement that writes: keep them on one page.
ALTER TABLE events.live_watch SET (
    fillfactor = 20,
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 200
);
