-- An event that nobody lets wait would never be published. Whoever writes one therefore says in which lane it waits, and
-- who doesn't know of lanes learns here what to use in place of an INSERT. (A default, since a trigger that completes
-- such a row costs each event whatever its condition is.)
CREATE FUNCTION events.refuse_by_hand() RETURNS smallint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    RAISE EXCEPTION 'no relay would see an event inserted by hand; events.publish and publish_event write events'
        USING HINT = 'SELECT events.publish(type, subject, data), or SELECT events.replay(ids) for what was published before.';
END;
$function$;

ALTER TABLE events.outbox ALTER COLUMN lane SET DEFAULT events.refuse_by_hand();
