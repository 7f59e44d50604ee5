-- Who changed what, and nobody changes that.

-- audit.record_change: a row of audit.change for each row that a statement inserted, changed or deleted, whoever ran it.
--
-- Once a statement, over its transition tables, so that a back-fill of thousands pays for one INSERT. The arguments are
-- columns that are left out. No variables: PL/pgSQL prepares the expression of each one anew in every transaction. The
-- owner's rights, since writers need none on audit.change; so the writer is session_user.
-- FULL JOIN also where a key was changed (then the row is deleted under one and inserted under another), and since it
-- is never a nested loop: the plan is kept from the first statement, which may have been about a single row.
CREATE FUNCTION audit.record_change() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO audit.change
            (table_schema, table_name, row_id, op, new, role, user_id, database_user, traceparent)
        SELECT
            TG_TABLE_SCHEMA, TG_TABLE_NAME, n.id::text, TG_OP,
            to_jsonb(n) - coalesce(TG_ARGV, '{}'),
            who.session ->> 'x-hasura-role', who.session ->> 'x-hasura-user-id', session_user, who.trace
        FROM
            (SELECT
                nullif(current_setting('app.session', true), '')::jsonb AS session,
                nullif(current_setting('app.traceparent', true), '') AS trace
            OFFSET 0) AS who,
            new_rows AS n;
    ELSIF TG_OP = 'UPDATE' THEN
        INSERT INTO audit.change
            (table_schema, table_name, row_id, op, old, new, role, user_id, database_user, traceparent)
        SELECT
            TG_TABLE_SCHEMA, TG_TABLE_NAME, v.id::text,
            CASE WHEN v.old IS NULL THEN 'INSERT' WHEN v.new IS NULL THEN 'DELETE' ELSE TG_OP END,
            CASE WHEN v.new IS NULL THEN v.old ELSE d.old END,
            CASE WHEN v.old IS NULL THEN v.new ELSE d.new END,
            who.session ->> 'x-hasura-role', who.session ->> 'x-hasura-user-id', session_user, who.trace
        FROM
            (SELECT
                nullif(current_setting('app.session', true), '')::jsonb AS session,
                nullif(current_setting('app.traceparent', true), '') AS trace
            OFFSET 0) AS who,
            (SELECT
                id,
                to_jsonb(o) - coalesce(TG_ARGV, '{}') AS old,
                to_jsonb(n) - coalesce(TG_ARGV, '{}') AS new
            FROM old_rows AS o FULL JOIN new_rows AS n USING (id)
            OFFSET 0) AS v,
            LATERAL (
                SELECT jsonb_object_agg(c.key, c.value) AS old, jsonb_object_agg(c.key, v.new -> c.key) AS new
                FROM jsonb_each(v.old) AS c
                WHERE v.new -> c.key IS DISTINCT FROM c.value
            ) AS d
        WHERE v.old IS NULL OR d.old IS NOT NULL;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO audit.change
            (table_schema, table_name, row_id, op, old, role, user_id, database_user, traceparent)
        SELECT
            TG_TABLE_SCHEMA, TG_TABLE_NAME, o.id::text, TG_OP,
            to_jsonb(o) - coalesce(TG_ARGV, '{}'),
            who.session ->> 'x-hasura-role', who.session ->> 'x-hasura-user-id', session_user, who.trace
        FROM
            (SELECT
                nullif(current_setting('app.session', true), '')::jsonb AS session,
                nullif(current_setting('app.traceparent', true), '') AS trace
            OFFSET 0) AS who,
            old_rows AS o;
    ELSE
        INSERT INTO audit.change
            (table_schema, table_name, row_id, op, role, user_id, database_user, traceparent)
        SELECT
            TG_TABLE_SCHEMA, TG_TABLE_NAME, '*', TG_OP,
            who.session ->> 'x-hasura-role', who.session ->> 'x-hasura-user-id', session_user, who.trace
        FROM
            (SELECT
                nullif(current_setting('app.session', true), '')::jsonb AS session,
                nullif(current_setting('app.traceparent', true), '') AS trace
            OFFSET 0) AS who;
    END IF;
    RETURN NULL;
END;
$function$;

COMMENT ON FUNCTION audit.record_change() IS 'Records in audit.change what a statement did to a table''s rows.';

-- audit.refuse: what is recorded stays as it is. Only audit.forget_accesses deletes, and says so by its setting.
CREATE FUNCTION audit.refuse() RETURNS trigger
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

COMMENT ON FUNCTION audit.refuse() IS 'Refuses to change, delete or truncate what the audit holds.';

-- audit.refuse_young: whatever a setting says, nothing goes that law demands (45 CFR 164.316(b)(2)(i): six years).
CREATE FUNCTION audit.refuse_young() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    IF EXISTS (SELECT FROM old_rows AS o WHERE o.created_at > now() - interval '6 years') THEN
        RAISE insufficient_privilege USING MESSAGE = 'audit.access keeps every entry for six years at least';
    END IF;
    RETURN NULL;
END;
$function$;

COMMENT ON FUNCTION audit.refuse_young() IS 'Refuses to delete accesses of the last six years.';

-- audit.forget_accesses: the way of the weekly clean-up. Gives how many entries it removed.
CREATE FUNCTION audit.forget_accesses(older_than interval DEFAULT interval '7 years') RETURNS bigint
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET audit.forgetting = 'on'
AS $function$
    WITH gone AS (
        DELETE FROM audit.access AS a
        WHERE a.created_at < now() - greatest(older_than, interval '6 years')
        RETURNING 1
    )
    SELECT count(*) FROM gone
$function$;

COMMENT ON FUNCTION audit.forget_accesses(interval) IS
    'Deletes accesses older than this, six years at least; for the scheduler''s weekly clean-up.';

-- Nobody but their owner has rights by default; the API needs INSERT on access, operators SELECT on both.
REVOKE ALL ON audit.change, audit.access FROM PUBLIC;
REVOKE ALL ON FUNCTION audit.forget_accesses(interval), audit.record_change() FROM PUBLIC;

CREATE TRIGGER refuse BEFORE UPDATE OR DELETE OR TRUNCATE ON audit.change
    FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse();
CREATE TRIGGER refuse BEFORE UPDATE OR DELETE OR TRUNCATE ON audit.access
    FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse();
CREATE TRIGGER refuse_young AFTER DELETE ON audit.access REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_young();
