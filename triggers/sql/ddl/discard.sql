-- An event that is deleted waits no more, and nobody asks what the relay made of it.
CREATE FUNCTION events.discard_events() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        DELETE FROM events.waiting;
        DELETE FROM events.publication;
    ELSE
        DELETE FROM events.waiting AS w USING gone AS g WHERE w.lane = g.lane AND w.sequence = g.sequence;
        DELETE FROM events.publication AS p USING gone AS g WHERE p.sequence = g.sequence;
    END IF;
    RETURN NULL;
END;
$function$;

CREATE TRIGGER discard AFTER DELETE ON events.outbox
REFERENCING OLD TABLE AS gone
FOR EACH STATEMENT EXECUTE FUNCTION events.discard_events();

CREATE TRIGGER discard_all AFTER TRUNCATE ON events.outbox
FOR EACH STATEMENT EXECUTE FUNCTION events.discard_events();
