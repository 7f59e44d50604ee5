DROP TRIGGER announce ON events.outbox;
DROP FUNCTION events.announce();

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

CREATE TRIGGER notify_live_insert AFTER INSERT ON events.outbox REFERENCING NEW TABLE AS new_rows
FOR EACH STATEMENT EXECUTE FUNCTION events.notify_live('id');
