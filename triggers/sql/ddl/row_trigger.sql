-- Writes the event of a row of {{table}} that was {{changed}}, in the transaction of the change. There is no IF in it:
-- PL/pgSQL prepares a condition anew in every transaction, at half the price of an entry in an index. Nor does it set a
-- search path, which costs twice that: every name in it is written out with its schema, operators and types too
-- (docs/decisions/row-triggers-name-every-schema.md).
CREATE FUNCTION {{function}}() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
AS $function$
{{declarations}}BEGIN
{{body}}
    RETURN NULL;
END;
$function$;
