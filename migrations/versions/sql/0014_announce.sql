DROP TRIGGER wake_relay ON events.outbox;
DROP FUNCTION events.wake_relay();
DROP TRIGGER notify_live_insert ON events.outbox;

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
