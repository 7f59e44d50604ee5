-- audit.record_change: a row of audit.change for each row that a statement inserted, changed or deleted, whoever ran it.
--
-- Once a statement, over its transition tables, so that a back-fill of thousands pays for one INSERT. The arguments are
-- columns that are left out. No variables: PL/pgSQL prepares the expression of each one anew in every transaction. The
-- owner's rights, since writers need none on audit.change; so the writer is session_user.
-- FULL JOIN also where a key was changed (then the row is deleted under one and inserted under another), and since it
-- is never a nested loop: the plan is kept from the first statement, which may have been about a single row.
CREATE OR REPLACE FUNCTION audit.record_change() RETURNS trigger
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
