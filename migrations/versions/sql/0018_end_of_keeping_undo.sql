DROP TRIGGER refuse_unproved ON audit.change;
DROP FUNCTION audit.refuse_unproved();
DROP FUNCTION audit.remove_kept_records(interval, integer);
DROP FUNCTION audit.kept_records(uuid);

CREATE OR REPLACE FUNCTION audit.refuse() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    IF TG_OP = 'DELETE' AND TG_TABLE_NAME = 'access' AND current_setting('audit.forgetting', true) = 'on' THEN
        RETURN NULL;
    END IF;
    RAISE insufficient_privilege USING
        MESSAGE = format('audit.%s is append-only: %s is refused', TG_TABLE_NAME, TG_OP),
        HINT = 'Accesses that are older than they have to be kept leave by audit.forget_accesses().';
END;
$function$;
