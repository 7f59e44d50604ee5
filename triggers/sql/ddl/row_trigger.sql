-- Writes what happened to a row of {{table}} to the outbox, in the transaction of the change.
CREATE FUNCTION {{function}}() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
{{declarations}}    event_lane smallint;
    event_sequence bigint;
    somebody_waits boolean;
BEGIN
{{body}}
    INSERT INTO events.waiting (lane, sequence) VALUES (event_lane, event_sequence)
    RETURNING {{somebody_waits}} INTO somebody_waits;
    IF somebody_waits THEN
        PERFORM events.announce_events();
    END IF;
    RETURN NULL;
END;
$function$;
