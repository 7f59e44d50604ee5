-- Writes the event of a row of {{table}} that was {{changed}}, in the transaction of the change. There is no IF in it:
-- PL/pgSQL prepares a condition anew in every transaction, at half the price of an entry in an index.
CREATE FUNCTION {{function}}() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
{{declarations}}    announced boolean;
BEGIN
{{body}}
    RETURN NULL;
END;
$function$;
