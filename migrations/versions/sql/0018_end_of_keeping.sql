-- audit.kept_records: the rows that are still here of a customer but themselves, as (schema, table, id as text), and in
-- which order they can be deleted: what refers to others comes first.
CREATE FUNCTION audit.kept_records(customer uuid)
RETURNS TABLE (table_schema text, table_name text, row_id text, place integer)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
    WITH person AS (
        SELECT c.id, c.chargebee_customer_id AS billing_id FROM public.customer AS c WHERE c.id = customer
    ),
    patient AS (
        SELECT t.id FROM healthcare.patient AS t JOIN person AS p ON p.id = t.customer_id
    ),
    prescription AS (
        SELECT x.id FROM healthcare.prescription AS x JOIN patient AS t ON t.id = x.patient_id
    ),
    thread AS (
        SELECT x.id FROM public.message_thread AS x JOIN person AS p ON p.id = x.customer_id
    )
    SELECT 'healthcare', 'prescription_fill', x.id::text, 1
    FROM healthcare.prescription_fill AS x JOIN prescription AS y ON y.id = x.prescription_id
    UNION ALL SELECT 'healthcare', 'prescription', x.id::text, 2 FROM prescription AS x
    UNION ALL SELECT 'healthcare', 'clinical_note', x.id::text, 3
    FROM healthcare.clinical_note AS x JOIN patient AS t ON t.id = x.patient_id
    UNION ALL SELECT 'healthcare', 'observation', x.id::text, 4
    FROM healthcare.observation AS x JOIN patient AS t ON t.id = x.patient_id
    UNION ALL SELECT 'healthcare', 'condition', x.id::text, 5
    FROM healthcare.condition AS x JOIN patient AS t ON t.id = x.patient_id
    UNION ALL SELECT 'healthcare', 'allergy_intolerance', x.id::text, 6
    FROM healthcare.allergy_intolerance AS x JOIN patient AS t ON t.id = x.patient_id
    UNION ALL SELECT 'healthcare', 'questionnaire_response', x.id::text, 7
    FROM healthcare.questionnaire_response AS x JOIN patient AS t ON t.id = x.patient_id
    UNION ALL SELECT 'healthcare', 'encounter', x.id::text, 8
    FROM healthcare.encounter AS x JOIN patient AS t ON t.id = x.patient_id
    UNION ALL SELECT 'healthcare', 'care_team', x.id::text, 9
    FROM healthcare.care_team AS x JOIN patient AS t ON t.id = x.patient_id
    UNION ALL SELECT 'healthcare', 'patient', t.id::text, 10 FROM patient AS t
    UNION ALL SELECT 'public', 'message', x.id::text, 11 FROM public.message AS x JOIN thread AS t ON t.id = x.thread_id
    UNION ALL SELECT 'public', 'message_thread', t.id::text, 12 FROM thread AS t
    UNION ALL SELECT 'public', 'referral_reward', x.id::text, 13
    FROM public.referral_reward AS x JOIN person AS p ON p.id = x.customer_id
    -- An invitation is the reason of the friend's reward, too, and stays as long as that.
    UNION ALL SELECT 'public', 'referral', x.id::text, 14
    FROM public.referral AS x JOIN person AS p ON p.id = x.referrer_id
    WHERE NOT EXISTS (
        SELECT FROM public.referral_reward AS w WHERE w.referral_id = x.id AND w.customer_id <> p.id
    )
    UNION ALL SELECT 'public', 'payment_recovery', x.id::text, 15
    FROM public.payment_recovery AS x JOIN person AS p ON p.id = x.customer_id
    UNION ALL SELECT 'public', 'contract', x.id::text, 16
    FROM public.contract AS x JOIN person AS p ON p.id = x.customer_id
    UNION ALL SELECT 'chargebee', 'invoice_line_item', x.id, 17
    FROM chargebee.invoice_line_item AS x JOIN chargebee.invoice AS i ON i.id = x.invoice_id
    JOIN person AS p ON p.billing_id = i.customer_id
    UNION ALL SELECT 'chargebee', 'transaction', x.id, 18
    FROM chargebee.transaction AS x JOIN person AS p ON p.billing_id = x.customer_id
    UNION ALL SELECT 'chargebee', 'credit_note', x.id, 19
    FROM chargebee.credit_note AS x JOIN person AS p ON p.billing_id = x.customer_id
    UNION ALL SELECT 'chargebee', 'invoice', x.id, 20
    FROM chargebee.invoice AS x JOIN person AS p ON p.billing_id = x.customer_id
    UNION ALL SELECT 'chargebee', 'subscription', x.id, 21
    FROM chargebee.subscription AS x JOIN person AS p ON p.billing_id = x.customer_id
    UNION ALL SELECT 'chargebee', 'customer', x.id, 22
    FROM chargebee.customer AS x JOIN person AS p ON p.billing_id = x.id
$function$;

COMMENT ON FUNCTION audit.kept_records(uuid) IS 'The rows that are still here of a customer, and in which order to delete them.';

-- audit.remove_kept_records: the way of the weekly clean-up. Of customers who were deleted longer ago than this (ten years
-- at least, docs/privacy.md), every record goes, with what the audit has of its content. Whose records somebody changed
-- in the last six years waits, since the audit must have that for so long. Gives how many customers it was.
--
-- What stays: the customer's bare ids, which keep a copy that billing sends again locked away; the request with its
-- proof; and one entry of the audit that says how many rows of which table went.
CREATE FUNCTION audit.remove_kept_records(older_than interval DEFAULT interval '10 years', at_most integer DEFAULT 20)
RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET audit.forgetting = 'on'
AS $function$
DECLARE
    person record;
    part record;
    counts jsonb;
    persons bigint := 0;
BEGIN
    FOR person IN
        SELECT c.id
        FROM public.customer AS c
        WHERE c.deleted_at < now() - greatest(older_than, interval '10 years')
            AND NOT EXISTS (
                SELECT FROM public.data_deletion_request AS d
                WHERE d.customer_id = c.id AND d.status NOT IN ('completed', 'cancelled')
            )
            AND EXISTS (SELECT FROM audit.kept_records(c.id))
            AND NOT EXISTS (
                SELECT
                FROM audit.kept_records(c.id) AS k
                JOIN audit.change AS a
                    ON a.table_schema = k.table_schema AND a.table_name = k.table_name AND a.row_id = k.row_id
                WHERE a.created_at > now() - interval '6 years'
            )
        ORDER BY c.deleted_at
        LIMIT at_most
        FOR NO KEY UPDATE OF c SKIP LOCKED
    LOOP
        SELECT jsonb_object_agg(k.name, k.rows) INTO counts
        FROM (
            SELECT r.table_schema || '.' || r.table_name AS name, count(*) AS rows
            FROM audit.kept_records(person.id) AS r GROUP BY 1
        ) AS k;
        -- Before anything goes: audit.change lets go of nothing that has no proof beside it.
        INSERT INTO audit.change (table_schema, table_name, row_id, op, old, database_user)
        VALUES ('public', 'customer', person.id::text, 'DELETE', jsonb_build_object('records', counts), session_user);
        UPDATE public.data_deletion_request AS d
        SET proof = coalesce(d.proof, '{}') || jsonb_build_object(
            'removed',
            coalesce(d.proof -> 'removed', '[]') || jsonb_build_object('at', now(), 'records', counts)
        )
        WHERE d.customer_id = person.id AND d.status = 'completed';
        FOR part IN
            SELECT r.table_schema, r.table_name, array_agg(r.row_id) AS ids
            FROM audit.kept_records(person.id) AS r
            GROUP BY r.table_schema, r.table_name
            ORDER BY min(r.place)
        LOOP
            EXECUTE format(
                'DELETE FROM %I.%I AS x WHERE x.id = ANY ($1::%s[])',
                part.table_schema, part.table_name, CASE part.table_schema WHEN 'chargebee' THEN 'text' ELSE 'uuid' END
            ) USING part.ids;
            DELETE FROM audit.change AS a
            WHERE a.table_schema = part.table_schema AND a.table_name = part.table_name AND a.row_id = ANY (part.ids);
        END LOOP;
        -- Recoveries went with the deletion itself; what the audit has of them is as old by now.
        DELETE FROM audit.change AS a
        WHERE a.table_schema = 'public' AND a.table_name = 'payment_recovery'
            AND a.created_at < now() - interval '6 years'
            AND a.row_id IN (
                SELECT b.row_id
                FROM audit.change AS b
                WHERE b.table_schema = 'public' AND b.table_name = 'payment_recovery'
                    AND coalesce(b.new, b.old) ->> 'customer_id' = person.id::text
            );
        UPDATE public.customer AS c SET lifetime_value = 0 WHERE c.id = person.id AND c.lifetime_value <> 0;
        -- That is nobody's event: whoever listens has long heard that the customer is gone.
        DELETE FROM events.outbox AS o
        WHERE o.subject = person.id::text AND o.type = 'customer.updated' AND o.published_at IS NULL;
        persons := persons + 1;
    END LOOP;
    RETURN persons;
END;
$function$;

COMMENT ON FUNCTION audit.remove_kept_records(interval, integer) IS
    'Removes what is kept of customers who were deleted longer ago than this, ten years at least; for the weekly clean-up.';

-- audit.refuse: what is recorded stays as it is. The functions that delete say so by their setting.
CREATE OR REPLACE FUNCTION audit.refuse() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    IF TG_OP = 'DELETE' AND current_setting('audit.forgetting', true) = 'on' THEN
        RETURN NULL;
    END IF;
    RAISE insufficient_privilege USING
        MESSAGE = format('audit.%s is append-only: %s is refused', TG_TABLE_NAME, TG_OP),
        HINT = 'What is older than it has to be kept leaves by audit.forget_accesses() and audit.remove_kept_records().';
END;
$function$;

-- audit.refuse_unproved: whatever a setting says, a change leaves the audit only beside the proof that the records went it
-- was of, and nothing younger than six years does (45 CFR 164.316(b)(2)(i)), but what this transaction wrote itself.
CREATE FUNCTION audit.refuse_unproved() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    IF NOT EXISTS (SELECT FROM old_rows) THEN
        RETURN NULL;
    END IF;
    IF EXISTS (
        SELECT FROM old_rows AS o WHERE o.created_at > now() - interval '6 years' AND o.created_at <> now()
    ) THEN
        RAISE insufficient_privilege USING MESSAGE = 'audit.change keeps every entry for six years at least';
    END IF;
    IF NOT EXISTS (
        SELECT
        FROM audit.change AS a
        WHERE a.table_schema = 'public' AND a.table_name = 'customer' AND a.op = 'DELETE' AND a.created_at = now()
    ) THEN
        RAISE insufficient_privilege USING
            MESSAGE = 'audit.change is append-only: DELETE is refused',
            HINT = 'What is older than it has to be kept leaves by audit.remove_kept_records().';
    END IF;
    RETURN NULL;
END;
$function$;

COMMENT ON FUNCTION audit.refuse_unproved() IS 'Refuses to delete changes without a proof, or of the last six years.';

CREATE TRIGGER refuse_unproved AFTER DELETE ON audit.change REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_unproved();

-- For whom a clean-up looks.
REVOKE ALL ON FUNCTION audit.kept_records(uuid), audit.remove_kept_records(interval, integer) FROM PUBLIC;
