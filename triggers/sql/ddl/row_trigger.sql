-- Writes what happened to a row of {{table}} to the outbox, in the transaction of the change.
CREATE FUNCTION {{function}}() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
{{declarations}}BEGIN
{{body}}
    RETURN NULL;
END;
$function$;
