-- Writes what happened to a row of {{table}} to the outbox, in the transaction of the change.
CREATE FUNCTION {{function}}() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    session jsonb := nullif(current_setting('app.session', true), '')::jsonb;
    trace text := nullif(current_setting('app.traceparent', true), '');
{{declarations}}BEGIN
{{body}}
    RETURN NULL;
END;
$function$;
