-- An event that nobody lets wait would never be published. Whoever writes one therefore says in which lane it waits, and
-- who doesn't know of lanes learns here what to use in place of an INSERT. (A default, since a trigger that completes
-- such a row costs each event whatever its condition is.)
CREATE FUNCTION events.refuse_by_hand() RETURNS smallint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    RAISE EXCEPTION 'an event that is inserted by hand would not wait for the relay'
        USING ERRCODE = 'feature_not_supported',
            HINT = 'Write it with events.publish(type, subject, data), or with the mutation publish_event;'
                ' events.replay(ids) and replay_events publish what was there before once more.';
END;
$function$;

ALTER TABLE events.outbox ALTER COLUMN lane SET DEFAULT events.refuse_by_hand();
