-- Back to events that say themselves what the relay made of them.
LOCK TABLE events.outbox IN ACCESS EXCLUSIVE MODE;

DROP TRIGGER discard_all ON events.outbox;
DROP TRIGGER discard ON events.outbox;
DROP FUNCTION events.discard_events();
DROP VIEW events.history;

DROP INDEX events.outbox_ranges_idx;

ALTER TABLE events.outbox
    DROP COLUMN trace_id,
    ADD COLUMN published_at timestamptz,
    ADD COLUMN message_id text,
    ADD COLUMN attempts integer DEFAULT 0 NOT NULL,
    ADD COLUMN last_error text,
    ADD COLUMN dead_lettered_at timestamptz;

COMMENT ON COLUMN events.outbox.published_at IS 'Null while it waits for the relay.';
COMMENT ON COLUMN events.outbox.message_id IS 'Pub/Sub''s id of the message.';
COMMENT ON COLUMN events.outbox.dead_lettered_at IS 'When the relay gave it up; its dead letter says why.';

UPDATE events.outbox AS o
SET published_at = p.published_at,
    message_id = p.message_id,
    attempts = p.attempts,
    last_error = p.last_error,
    dead_lettered_at = p.dead_lettered_at
FROM events.publication AS p
WHERE p.sequence = o.sequence;

UPDATE events.outbox AS o
SET attempts = w.attempts, last_error = w.last_error
FROM events.waiting AS w
WHERE w.sequence = o.sequence AND w.attempts > 0;

CREATE INDEX outbox_ranges_idx ON events.outbox USING brin (
    created_at,
    type text_bloom_ops (n_distinct_per_range = 32),
    split_part(traceparent, '-', 2) text_bloom_ops (n_distinct_per_range = 384)
) WITH (pages_per_range = 32, autosummarize = on);
CREATE INDEX outbox_waiting_idx ON events.outbox (lane, sequence)
WHERE published_at IS NULL AND dead_lettered_at IS NULL;

ALTER TABLE events.outbox SET (
    fillfactor = 90, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000
);
ALTER INDEX events.outbox_pkey SET (fillfactor = 50);
ALTER INDEX events.outbox_sequence_key SET (fillfactor = 50);

CREATE VIEW events.history WITH (security_invoker = true) AS
SELECT
    o.id, o.sequence, o.type, o.topic, o.ordering_key, o.subject, o.source, o.data, o.session_variables, o.traceparent,
    o.replay_of, o.replay_to, o.created_at, o.published_at, o.message_id, o.attempts, o.last_error, o.dead_lettered_at
FROM events.outbox AS o
UNION ALL
SELECT
    a.id, a.sequence, a.type, a.topic, a.ordering_key, a.subject, a.source, a.data, a.session_variables, a.traceparent,
    a.replay_of, a.replay_to, a.created_at, a.published_at, a.message_id, a.attempts, a.last_error, a.dead_lettered_at
FROM events.outbox_archive AS a;

COMMENT ON VIEW events.history IS 'Every event: those in the outbox and those in its archive.';

DROP TRIGGER record_insert ON public.contract;
DROP TRIGGER record_update ON public.contract;
DROP TRIGGER record_insert ON chargebee.invoice;
DROP TRIGGER record_update ON chargebee.invoice;
DROP TRIGGER record_insert ON public.customer;
DROP TRIGGER record_update ON public.customer;
DROP TRIGGER record_insert ON healthcare.prescription;
DROP TRIGGER record_update ON healthcare.prescription;
DROP TRIGGER record_insert ON public.message;
DROP TRIGGER record_insert ON public.support_ticket;
DROP TRIGGER record_update ON public.support_ticket;
DROP TRIGGER record_insert ON public.support_ticket_comment;
DROP FUNCTION events.record_insert_public_contract();
DROP FUNCTION events.record_update_public_contract();
DROP FUNCTION events.record_insert_chargebee_invoice();
DROP FUNCTION events.record_update_chargebee_invoice();
DROP FUNCTION events.record_insert_public_customer();
DROP FUNCTION events.record_update_public_customer();
DROP FUNCTION events.record_insert_healthcare_prescription();
DROP FUNCTION events.record_update_healthcare_prescription();
DROP FUNCTION events.record_insert_public_message();
DROP FUNCTION events.record_insert_public_support_ticket();
DROP FUNCTION events.record_update_public_support_ticket();
DROP FUNCTION events.record_insert_public_support_ticket_comment();
DROP FUNCTION events.announce_events();

-- Under REPEATABLE READ and SERIALIZABLE the snapshot may be older than the transaction's id, and what it says of relays
-- and watches is no use: these notify whenever anybody waits.
CREATE FUNCTION events.announce_events() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    -- What a live query is told (`events.notify_live`): the key columns, and that any key may be new.
    told CONSTANT text := json_build_object('t', 'events.outbox', 'c', json_build_array('id'), 'k', NULL)::text;
BEGIN
    IF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN
        NOTIFY caregraph_outbox;
        PERFORM pg_notify('caregraph_live', told);
        RETURN;
    END IF;
    IF EXISTS (SELECT FROM events.relay AS r WHERE r.asleep AND r.expires_at > clock_timestamp()) THEN
        NOTIFY caregraph_outbox;
    END IF;
    PERFORM pg_notify('caregraph_live', told)
    FROM events.live_watch AS w WHERE w.table_key = 'events.outbox' AND w.until > clock_timestamp();
END;
$function$;

REVOKE EXECUTE ON FUNCTION events.announce_events() FROM PUBLIC;

-- Completes and announces what others than triggers of tables write, which is known by its lack of a lane: a generated
-- column and a trigger of every statement would cost each change of a row a tenth of what its event costs. The argument
-- names the key that live queries are told of, as with other tables' triggers.
CREATE OR REPLACE FUNCTION events.announce() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    NEW.lane := events.lane_of(NEW.ordering_key);
    -- Nothing is written yet, and who looks needs a transaction id.
    PERFORM pg_current_xact_id();
    IF pg_sequence_last_value('events.awaited_until') > date_part('epoch', clock_timestamp()) THEN
        PERFORM events.announce_events();
    END IF;
    RETURN NEW;
END;
$function$;

-- Writes a domain event to the outbox, in the caller's transaction. Topic and ordering key come from the declared type.
--
-- Idempotent on `event_id`: an id that is there already gives that event back, with `created` false; the same id for
-- another type or subject is refused (unique_violation).
--
-- The row lock on the aggregate keeps the order of a key: a row change holds that lock until it commits, so of two
-- transactions that write events of one key, the second gets its sequence number after the first has committed. An
-- aggregate that isn't there (yet, or any more) is locked by the hash of its key.
CREATE OR REPLACE FUNCTION events.publish(
    event_type text,
    event_subject text,
    event_data jsonb,
    event_id uuid DEFAULT NULL,
    event_session jsonb DEFAULT NULL,
    event_traceparent text DEFAULT NULL,
    OUT id uuid,
    OUT type text,
    OUT topic text,
    OUT sequence bigint,
    OUT created boolean
) RETURNS record
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    subject_field text;
    aggregate_id text;
    earlier events.outbox%ROWTYPE;
BEGIN
    IF event_subject IS NULL OR octet_length(event_subject) NOT BETWEEN 1 AND 1024 THEN
        RAISE EXCEPTION 'the subject of an event is the id of its aggregate, 1 to 1024 bytes long'
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF jsonb_typeof(event_data) IS DISTINCT FROM 'object' THEN
        RAISE EXCEPTION 'the data of event type "%" must be a JSON object', event_type
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF octet_length(event_data::text) > 9900000 THEN
        RAISE EXCEPTION 'the data of event type "%" has % bytes, Pub/Sub takes 9900000',
            event_type, octet_length(event_data::text)
            USING ERRCODE = 'program_limit_exceeded', HINT = 'Send an id and let the agent read the rest.';
    END IF;
    -- A UUID may be spelt in several ways, an ordering key in one.
    CASE event_type
        WHEN 'contract.activated',
             'contract.cancelled',
             'contract.completed',
             'contract.created',
             'contract.payment_declined',
             'contract.payment_exhausted',
             'contract.renewed'
        THEN
            topic := 'contract-events';
            subject_field := 'contract_id';
            aggregate_id := event_subject::uuid::text;
            PERFORM FROM public.contract AS a WHERE a.id = aggregate_id::uuid FOR NO KEY UPDATE;
        WHEN 'customer.deleted',
             'customer.payment_source_changed',
             'customer.profile_changed',
             'customer.role_changed',
             'customer.signed_up',
             'referral.completed',
             'subscription.change_applied',
             'subscription.change_refused',
             'subscription.changed'
        THEN
            topic := 'customer-events';
            subject_field := 'customer_id';
            aggregate_id := event_subject::uuid::text;
            PERFORM FROM public.customer AS a WHERE a.id = aggregate_id::uuid FOR NO KEY UPDATE;
        WHEN 'invoice.new_card_needed',
             'invoice.payment_exhausted',
             'invoice.payment_failed',
             'invoice.payment_recovered',
             'invoice.payment_succeeded',
             'invoice.refunded'
        THEN
            topic := 'invoice-events';
            subject_field := 'invoice_id';
            aggregate_id := event_subject;
            PERFORM FROM chargebee.invoice AS a WHERE a.id = aggregate_id FOR NO KEY UPDATE;
        WHEN 'prescription.delivered',
             'prescription.filled',
             'prescription.refill_due',
             'prescription.rejected',
             'prescription.sent',
             'prescription.shipped',
             'prescription.signed'
        THEN
            topic := 'prescription-events';
            subject_field := 'prescription_id';
            aggregate_id := event_subject::uuid::text;
            PERFORM FROM healthcare.prescription AS a WHERE a.id = aggregate_id::uuid FOR NO KEY UPDATE;
        ELSE
            RAISE EXCEPTION 'there is no event type "%" that can be published', event_type
                USING ERRCODE = 'invalid_parameter_value', HINT = 'One of: contract.activated, contract.cancelled, contract.completed, contract.created, contract.payment_declined, contract.payment_exhausted, contract.renewed, customer.deleted, customer.payment_source_changed, customer.profile_changed, customer.role_changed, customer.signed_up, referral.completed, subscription.change_applied, subscription.change_refused, subscription.changed, invoice.new_card_needed, invoice.payment_exhausted, invoice.payment_failed, invoice.payment_recovered, invoice.payment_succeeded, invoice.refunded, prescription.delivered, prescription.filled, prescription.refill_due, prescription.rejected, prescription.sent, prescription.shipped, prescription.signed.';
    END CASE;
    IF NOT FOUND THEN
        PERFORM pg_advisory_xact_lock(hashtextextended(aggregate_id, 0));
    END IF;
    IF event_data ? subject_field AND event_data ->> subject_field NOT IN (event_subject, aggregate_id) THEN
        RAISE EXCEPTION 'the subject of event type "%" is its "%", and the two differ', event_type, subject_field
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    INSERT INTO events.outbox AS o (id, type, topic, ordering_key, subject, data, session_variables, traceparent)
    VALUES (
        coalesce(event_id, public.uuid_v7()),
        event_type,
        topic,
        aggregate_id,
        aggregate_id,
        event_data,
        coalesce(event_session, nullif(current_setting('app.session', true), '')::jsonb),
        coalesce(event_traceparent, nullif(current_setting('app.traceparent', true), ''))
    )
    ON CONFLICT ON CONSTRAINT outbox_pkey DO NOTHING
    RETURNING o.id, o.type, o.topic, o.sequence INTO id, type, topic, sequence;
    created := FOUND;
    IF NOT created THEN
        SELECT o.* INTO STRICT earlier FROM events.outbox AS o WHERE o.id = event_id;
        IF earlier.type <> event_type OR earlier.subject <> aggregate_id THEN
            RAISE EXCEPTION 'event % was published before, as type "%" about "%"', event_id, earlier.type, earlier.subject
                USING ERRCODE = 'unique_violation', HINT = 'Give every event an id of its own.';
        END IF;
        id := earlier.id;
        type := earlier.type;
        topic := earlier.topic;
        sequence := earlier.sequence;
    END IF;
END;
$function$;

-- Writes what happened to a row of public.contract to the outbox, in the transaction of the change.
CREATE FUNCTION events.record_public_contract() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    somebody_waits boolean;
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO events.outbox
            (type, topic, ordering_key, lane, subject, data, session_variables, traceparent)
        SELECT
            'contract.inserted',
            'contract-events',
            NEW.id::text,
            events.lane_of(NEW.id::text),
            NEW.id::text,
            to_jsonb(told),
            nullif(current_setting('app.session', true), '')::jsonb,
            nullif(current_setting('app.traceparent', true), '')
        FROM (
            SELECT
                'INSERT' AS op,
                '{"schema": "public", "name": "contract"}'::jsonb AS "table",
                rows AS data,
                nullif(current_setting('app.session', true), '')::jsonb AS session_variables
            FROM (
                SELECT
                    NULL::text AS old,
                    new_row AS new
                FROM (
                    SELECT
                        NEW.id,
                        NEW.customer_id,
                        NEW.subscription_id,
                        NEW.treatment_id,
                        NEW.status,
                        NEW.start_date,
                        NEW.end_date,
                        NEW.auto_renew,
                        NEW.renewed_from_id,
                        NEW.activated_at,
                        NEW.completed_at,
                        NEW.cancelled_at,
                        NEW.created_at,
                        NEW.updated_at
                ) AS new_row
            ) AS rows
        ) AS told
        RETURNING pg_sequence_last_value('events.awaited_until') > date_part('epoch', clock_timestamp()) INTO somebody_waits;
    ELSIF TG_OP = 'UPDATE' THEN
        INSERT INTO events.outbox
            (type, topic, ordering_key, lane, subject, data, session_variables, traceparent)
        SELECT
            'contract.updated',
            'contract-events',
            NEW.id::text,
            events.lane_of(NEW.id::text),
            NEW.id::text,
            to_jsonb(told),
            nullif(current_setting('app.session', true), '')::jsonb,
            nullif(current_setting('app.traceparent', true), '')
        FROM (
            SELECT
                'UPDATE' AS op,
                '{"schema": "public", "name": "contract"}'::jsonb AS "table",
                rows AS data,
                to_jsonb(array_remove(ARRAY[
                    CASE WHEN OLD.customer_id IS DISTINCT FROM NEW.customer_id THEN 'customer_id' END,
                    CASE WHEN OLD.subscription_id IS DISTINCT FROM NEW.subscription_id THEN 'subscription_id' END,
                    CASE WHEN OLD.treatment_id IS DISTINCT FROM NEW.treatment_id THEN 'treatment_id' END,
                    CASE WHEN OLD.status IS DISTINCT FROM NEW.status THEN 'status' END,
                    CASE WHEN OLD.start_date IS DISTINCT FROM NEW.start_date THEN 'start_date' END,
                    CASE WHEN OLD.end_date IS DISTINCT FROM NEW.end_date THEN 'end_date' END,
                    CASE WHEN OLD.auto_renew IS DISTINCT FROM NEW.auto_renew THEN 'auto_renew' END,
                    CASE WHEN OLD.renewed_from_id IS DISTINCT FROM NEW.renewed_from_id THEN 'renewed_from_id' END
                ], NULL)) AS changed,
                nullif(current_setting('app.session', true), '')::jsonb AS session_variables
            FROM (
                SELECT
                    old_row AS old,
                    new_row AS new
                FROM (
                    SELECT
                        OLD.id,
                        OLD.customer_id,
                        OLD.subscription_id,
                        OLD.treatment_id,
                        OLD.status,
                        OLD.start_date,
                        OLD.end_date,
                        OLD.auto_renew,
                        OLD.renewed_from_id,
                        OLD.activated_at,
                        OLD.completed_at,
                        OLD.cancelled_at,
                        OLD.created_at,
                        OLD.updated_at
                ) AS old_row
                CROSS JOIN (
                    SELECT
                        NEW.id,
                        NEW.customer_id,
                        NEW.subscription_id,
                        NEW.treatment_id,
                        NEW.status,
                        NEW.start_date,
                        NEW.end_date,
                        NEW.auto_renew,
                        NEW.renewed_from_id,
                        NEW.activated_at,
                        NEW.completed_at,
                        NEW.cancelled_at,
                        NEW.created_at,
                        NEW.updated_at
                ) AS new_row
            ) AS rows
        ) AS told
        RETURNING pg_sequence_last_value('events.awaited_until') > date_part('epoch', clock_timestamp()) INTO somebody_waits;
    END IF;
    IF somebody_waits THEN
        PERFORM events.announce_events();
    END IF;
    RETURN NULL;
END;
$function$;

-- Writes what happened to a row of chargebee.invoice to the outbox, in the transaction of the change.
CREATE FUNCTION events.record_chargebee_invoice() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    somebody_waits boolean;
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO events.outbox
            (type, topic, ordering_key, lane, subject, data, session_variables, traceparent)
        SELECT
            'invoice.inserted',
            'invoice-events',
            NEW.id::text,
            events.lane_of(NEW.id::text),
            NEW.id::text,
            to_jsonb(told),
            nullif(current_setting('app.session', true), '')::jsonb,
            nullif(current_setting('app.traceparent', true), '')
        FROM (
            SELECT
                'INSERT' AS op,
                '{"schema": "chargebee", "name": "invoice"}'::jsonb AS "table",
                rows AS data,
                nullif(current_setting('app.session', true), '')::jsonb AS session_variables
            FROM (
                SELECT
                    NULL::text AS old,
                    new_row AS new
                FROM (
                    SELECT
                        NEW.id,
                        NEW.customer_id,
                        NEW.subscription_id,
                        NEW.status,
                        NEW.recurring,
                        NEW.first_invoice,
                        NEW.price_type,
                        NEW.date,
                        NEW.due_date,
                        NEW.net_term_days,
                        NEW.currency_code,
                        NEW.sub_total,
                        NEW.tax,
                        NEW.total,
                        NEW.amount_paid,
                        NEW.amount_adjusted,
                        NEW.credits_applied,
                        NEW.write_off_amount,
                        NEW.amount_due,
                        NEW.paid_at,
                        NEW.voided_at,
                        NEW.dunning_status,
                        NEW.next_retry_at,
                        NEW.issued_credit_notes,
                        NEW.generated_at,
                        NEW.updated_at,
                        NEW.resource_version,
                        NEW.deleted
                ) AS new_row
            ) AS rows
        ) AS told
        RETURNING pg_sequence_last_value('events.awaited_until') > date_part('epoch', clock_timestamp()) INTO somebody_waits;
    ELSIF TG_OP = 'UPDATE' THEN
        INSERT INTO events.outbox
            (type, topic, ordering_key, lane, subject, data, session_variables, traceparent)
        SELECT
            'invoice.updated',
            'invoice-events',
            NEW.id::text,
            events.lane_of(NEW.id::text),
            NEW.id::text,
            to_jsonb(told),
            nullif(current_setting('app.session', true), '')::jsonb,
            nullif(current_setting('app.traceparent', true), '')
        FROM (
            SELECT
                'UPDATE' AS op,
                '{"schema": "chargebee", "name": "invoice"}'::jsonb AS "table",
                rows AS data,
                to_jsonb(array_remove(ARRAY[
                    CASE WHEN OLD.customer_id IS DISTINCT FROM NEW.customer_id THEN 'customer_id' END,
                    CASE WHEN OLD.subscription_id IS DISTINCT FROM NEW.subscription_id THEN 'subscription_id' END,
                    CASE WHEN OLD.status IS DISTINCT FROM NEW.status THEN 'status' END,
                    CASE WHEN OLD.due_date IS DISTINCT FROM NEW.due_date THEN 'due_date' END,
                    CASE WHEN OLD.total IS DISTINCT FROM NEW.total THEN 'total' END,
                    CASE WHEN OLD.amount_paid IS DISTINCT FROM NEW.amount_paid THEN 'amount_paid' END,
                    CASE WHEN OLD.amount_adjusted IS DISTINCT FROM NEW.amount_adjusted THEN 'amount_adjusted' END,
                    CASE WHEN OLD.credits_applied IS DISTINCT FROM NEW.credits_applied THEN 'credits_applied' END,
                    CASE WHEN OLD.write_off_amount IS DISTINCT FROM NEW.write_off_amount THEN 'write_off_amount' END,
                    CASE WHEN OLD.amount_due IS DISTINCT FROM NEW.amount_due THEN 'amount_due' END,
                    CASE WHEN OLD.paid_at IS DISTINCT FROM NEW.paid_at THEN 'paid_at' END,
                    CASE WHEN OLD.voided_at IS DISTINCT FROM NEW.voided_at THEN 'voided_at' END,
                    CASE WHEN OLD.dunning_status IS DISTINCT FROM NEW.dunning_status THEN 'dunning_status' END,
                    CASE WHEN OLD.next_retry_at IS DISTINCT FROM NEW.next_retry_at THEN 'next_retry_at' END,
                    CASE WHEN OLD.issued_credit_notes IS DISTINCT FROM NEW.issued_credit_notes THEN 'issued_credit_notes' END,
                    CASE WHEN OLD.deleted IS DISTINCT FROM NEW.deleted THEN 'deleted' END
                ], NULL)) AS changed,
                nullif(current_setting('app.session', true), '')::jsonb AS session_variables
            FROM (
                SELECT
                    old_row AS old,
                    new_row AS new
                FROM (
                    SELECT
                        OLD.id,
                        OLD.customer_id,
                        OLD.subscription_id,
                        OLD.status,
                        OLD.recurring,
                        OLD.first_invoice,
                        OLD.price_type,
                        OLD.date,
                        OLD.due_date,
                        OLD.net_term_days,
                        OLD.currency_code,
                        OLD.sub_total,
                        OLD.tax,
                        OLD.total,
                        OLD.amount_paid,
                        OLD.amount_adjusted,
                        OLD.credits_applied,
                        OLD.write_off_amount,
                        OLD.amount_due,
                        OLD.paid_at,
                        OLD.voided_at,
                        OLD.dunning_status,
                        OLD.next_retry_at,
                        OLD.issued_credit_notes,
                        OLD.generated_at,
                        OLD.updated_at,
                        OLD.resource_version,
                        OLD.deleted
                ) AS old_row
                CROSS JOIN (
                    SELECT
                        NEW.id,
                        NEW.customer_id,
                        NEW.subscription_id,
                        NEW.status,
                        NEW.recurring,
                        NEW.first_invoice,
                        NEW.price_type,
                        NEW.date,
                        NEW.due_date,
                        NEW.net_term_days,
                        NEW.currency_code,
                        NEW.sub_total,
                        NEW.tax,
                        NEW.total,
                        NEW.amount_paid,
                        NEW.amount_adjusted,
                        NEW.credits_applied,
                        NEW.write_off_amount,
                        NEW.amount_due,
                        NEW.paid_at,
                        NEW.voided_at,
                        NEW.dunning_status,
                        NEW.next_retry_at,
                        NEW.issued_credit_notes,
                        NEW.generated_at,
                        NEW.updated_at,
                        NEW.resource_version,
                        NEW.deleted
                ) AS new_row
            ) AS rows
        ) AS told
        RETURNING pg_sequence_last_value('events.awaited_until') > date_part('epoch', clock_timestamp()) INTO somebody_waits;
    END IF;
    IF somebody_waits THEN
        PERFORM events.announce_events();
    END IF;
    RETURN NULL;
END;
$function$;

-- Writes what happened to a row of public.customer to the outbox, in the transaction of the change.
CREATE FUNCTION events.record_public_customer() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    somebody_waits boolean;
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO events.outbox
            (type, topic, ordering_key, lane, subject, data, session_variables, traceparent)
        SELECT
            'customer.inserted',
            'customer-events',
            NEW.id::text,
            events.lane_of(NEW.id::text),
            NEW.id::text,
            to_jsonb(told),
            nullif(current_setting('app.session', true), '')::jsonb,
            nullif(current_setting('app.traceparent', true), '')
        FROM (
            SELECT
                'INSERT' AS op,
                '{"schema": "public", "name": "customer"}'::jsonb AS "table",
                rows AS data,
                nullif(current_setting('app.session', true), '')::jsonb AS session_variables
            FROM (
                SELECT
                    NULL::text AS old,
                    new_row AS new
                FROM (
                    SELECT
                        NEW.id,
                        NEW.firebase_uid,
                        NEW.chargebee_customer_id,
                        NEW.zendesk_user_id,
                        NEW.timezone,
                        NEW.currency_code,
                        NEW.lifetime_value,
                        NEW.email_opt_out,
                        NEW.sms_opt_out,
                        NEW.deleted_at,
                        NEW.created_at,
                        NEW.updated_at
                ) AS new_row
            ) AS rows
        ) AS told
        RETURNING pg_sequence_last_value('events.awaited_until') > date_part('epoch', clock_timestamp()) INTO somebody_waits;
    ELSIF TG_OP = 'UPDATE' THEN
        INSERT INTO events.outbox
            (type, topic, ordering_key, lane, subject, data, session_variables, traceparent)
        SELECT
            'customer.updated',
            'customer-events',
            NEW.id::text,
            events.lane_of(NEW.id::text),
            NEW.id::text,
            to_jsonb(told),
            nullif(current_setting('app.session', true), '')::jsonb,
            nullif(current_setting('app.traceparent', true), '')
        FROM (
            SELECT
                'UPDATE' AS op,
                '{"schema": "public", "name": "customer"}'::jsonb AS "table",
                rows AS data,
                to_jsonb(array_remove(ARRAY[
                    CASE WHEN OLD.firebase_uid IS DISTINCT FROM NEW.firebase_uid THEN 'firebase_uid' END,
                    CASE WHEN OLD.chargebee_customer_id IS DISTINCT FROM NEW.chargebee_customer_id THEN 'chargebee_customer_id' END,
                    CASE WHEN OLD.zendesk_user_id IS DISTINCT FROM NEW.zendesk_user_id THEN 'zendesk_user_id' END,
                    CASE WHEN OLD.email IS DISTINCT FROM NEW.email THEN 'email' END,
                    CASE WHEN OLD.first_name IS DISTINCT FROM NEW.first_name THEN 'first_name' END,
                    CASE WHEN OLD.last_name IS DISTINCT FROM NEW.last_name THEN 'last_name' END,
                    CASE WHEN OLD.phone IS DISTINCT FROM NEW.phone THEN 'phone' END,
                    CASE WHEN OLD.date_of_birth IS DISTINCT FROM NEW.date_of_birth THEN 'date_of_birth' END,
                    CASE WHEN OLD.address_line1 IS DISTINCT FROM NEW.address_line1 THEN 'address_line1' END,
                    CASE WHEN OLD.address_line2 IS DISTINCT FROM NEW.address_line2 THEN 'address_line2' END,
                    CASE WHEN OLD.city IS DISTINCT FROM NEW.city THEN 'city' END,
                    CASE WHEN OLD.state_code IS DISTINCT FROM NEW.state_code THEN 'state_code' END,
                    CASE WHEN OLD.zip IS DISTINCT FROM NEW.zip THEN 'zip' END,
                    CASE WHEN OLD.country IS DISTINCT FROM NEW.country THEN 'country' END,
                    CASE WHEN OLD.timezone IS DISTINCT FROM NEW.timezone THEN 'timezone' END,
                    CASE WHEN OLD.currency_code IS DISTINCT FROM NEW.currency_code THEN 'currency_code' END,
                    CASE WHEN OLD.lifetime_value IS DISTINCT FROM NEW.lifetime_value THEN 'lifetime_value' END,
                    CASE WHEN OLD.email_opt_out IS DISTINCT FROM NEW.email_opt_out THEN 'email_opt_out' END,
                    CASE WHEN OLD.sms_opt_out IS DISTINCT FROM NEW.sms_opt_out THEN 'sms_opt_out' END,
                    CASE WHEN OLD.quiet_hours_start IS DISTINCT FROM NEW.quiet_hours_start THEN 'quiet_hours_start' END,
                    CASE WHEN OLD.quiet_hours_end IS DISTINCT FROM NEW.quiet_hours_end THEN 'quiet_hours_end' END,
                    CASE WHEN OLD.deleted_at IS DISTINCT FROM NEW.deleted_at THEN 'deleted_at' END
                ], NULL)) AS changed,
                nullif(current_setting('app.session', true), '')::jsonb AS session_variables
            FROM (
                SELECT
                    old_row AS old,
                    new_row AS new
                FROM (
                    SELECT
                        OLD.id,
                        OLD.firebase_uid,
                        OLD.chargebee_customer_id,
                        OLD.zendesk_user_id,
                        OLD.timezone,
                        OLD.currency_code,
                        OLD.lifetime_value,
                        OLD.email_opt_out,
                        OLD.sms_opt_out,
                        OLD.deleted_at,
                        OLD.created_at,
                        OLD.updated_at
                ) AS old_row
                CROSS JOIN (
                    SELECT
                        NEW.id,
                        NEW.firebase_uid,
                        NEW.chargebee_customer_id,
                        NEW.zendesk_user_id,
                        NEW.timezone,
                        NEW.currency_code,
                        NEW.lifetime_value,
                        NEW.email_opt_out,
                        NEW.sms_opt_out,
                        NEW.deleted_at,
                        NEW.created_at,
                        NEW.updated_at
                ) AS new_row
            ) AS rows
        ) AS told
        RETURNING pg_sequence_last_value('events.awaited_until') > date_part('epoch', clock_timestamp()) INTO somebody_waits;
    END IF;
    IF somebody_waits THEN
        PERFORM events.announce_events();
    END IF;
    RETURN NULL;
END;
$function$;

-- Writes what happened to a row of healthcare.prescription to the outbox, in the transaction of the change.
CREATE FUNCTION events.record_healthcare_prescription() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    somebody_waits boolean;
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO events.outbox
            (type, topic, ordering_key, lane, subject, data, session_variables, traceparent)
        SELECT
            'prescription.inserted',
            'prescription-events',
            NEW.id::text,
            events.lane_of(NEW.id::text),
            NEW.id::text,
            to_jsonb(told),
            nullif(current_setting('app.session', true), '')::jsonb,
            nullif(current_setting('app.traceparent', true), '')
        FROM (
            SELECT
                'INSERT' AS op,
                '{"schema": "healthcare", "name": "prescription"}'::jsonb AS "table",
                rows AS data,
                nullif(current_setting('app.session', true), '')::jsonb AS session_variables
            FROM (
                SELECT
                    NULL::text AS old,
                    new_row AS new
                FROM (
                    SELECT
                        NEW.id,
                        NEW.patient_id,
                        NEW.requester_id,
                        NEW.contract_id,
                        NEW.pharmacy_id,
                        NEW.status,
                        NEW.created_at,
                        NEW.updated_at
                ) AS new_row
            ) AS rows
        ) AS told
        RETURNING pg_sequence_last_value('events.awaited_until') > date_part('epoch', clock_timestamp()) INTO somebody_waits;
    ELSIF TG_OP = 'UPDATE' THEN
        INSERT INTO events.outbox
            (type, topic, ordering_key, lane, subject, data, session_variables, traceparent)
        SELECT
            'prescription.updated',
            'prescription-events',
            NEW.id::text,
            events.lane_of(NEW.id::text),
            NEW.id::text,
            to_jsonb(told),
            nullif(current_setting('app.session', true), '')::jsonb,
            nullif(current_setting('app.traceparent', true), '')
        FROM (
            SELECT
                'UPDATE' AS op,
                '{"schema": "healthcare", "name": "prescription"}'::jsonb AS "table",
                rows AS data,
                to_jsonb(array_remove(ARRAY[
                    CASE WHEN OLD.requester_id IS DISTINCT FROM NEW.requester_id THEN 'requester_id' END,
                    CASE WHEN OLD.contract_id IS DISTINCT FROM NEW.contract_id THEN 'contract_id' END,
                    CASE WHEN OLD.pharmacy_id IS DISTINCT FROM NEW.pharmacy_id THEN 'pharmacy_id' END,
                    CASE WHEN OLD.status IS DISTINCT FROM NEW.status THEN 'status' END,
                    CASE WHEN OLD.refills_remaining IS DISTINCT FROM NEW.refills_remaining THEN 'refills_remaining' END,
                    CASE WHEN OLD.refill_due_on IS DISTINCT FROM NEW.refill_due_on THEN 'refill_due_on' END,
                    CASE WHEN OLD.refill_requested_at IS DISTINCT FROM NEW.refill_requested_at THEN 'refill_requested_at' END,
                    CASE WHEN OLD.signed_at IS DISTINCT FROM NEW.signed_at THEN 'signed_at' END,
                    CASE WHEN OLD.valid_until IS DISTINCT FROM NEW.valid_until THEN 'valid_until' END
                ], NULL)) AS changed,
                nullif(current_setting('app.session', true), '')::jsonb AS session_variables
            FROM (
                SELECT
                    old_row AS old,
                    new_row AS new
                FROM (
                    SELECT
                        OLD.id,
                        OLD.patient_id,
                        OLD.requester_id,
                        OLD.contract_id,
                        OLD.pharmacy_id,
                        OLD.status,
                        OLD.created_at,
                        OLD.updated_at
                ) AS old_row
                CROSS JOIN (
                    SELECT
                        NEW.id,
                        NEW.patient_id,
                        NEW.requester_id,
                        NEW.contract_id,
                        NEW.pharmacy_id,
                        NEW.status,
                        NEW.created_at,
                        NEW.updated_at
                ) AS new_row
            ) AS rows
        ) AS told
        RETURNING pg_sequence_last_value('events.awaited_until') > date_part('epoch', clock_timestamp()) INTO somebody_waits;
    END IF;
    IF somebody_waits THEN
        PERFORM events.announce_events();
    END IF;
    RETURN NULL;
END;
$function$;

-- Writes what happened to a row of public.message to the outbox, in the transaction of the change.
CREATE FUNCTION events.record_public_message() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    aggregate_id text;
    somebody_waits boolean;
BEGIN
    IF TG_OP = 'INSERT' THEN
        SELECT t.customer_id INTO STRICT aggregate_id
        FROM public.message_thread AS t WHERE t.id = NEW.thread_id;
        -- Keeps the order of the key: see events.publish.
        PERFORM FROM public.customer AS a WHERE a.id = aggregate_id::uuid FOR NO KEY UPDATE;
        INSERT INTO events.outbox
            (type, topic, ordering_key, lane, subject, data, session_variables, traceparent)
        SELECT
            'message.sent',
            'customer-events',
            aggregate_id,
            events.lane_of(aggregate_id),
            aggregate_id,
            to_jsonb(told),
            nullif(current_setting('app.session', true), '')::jsonb,
            nullif(current_setting('app.traceparent', true), '')
        FROM (
            SELECT
                NEW.id AS message_id,
                NEW.thread_id,
                NEW.sender_customer_id,
                NEW.sender_staff_id,
                aggregate_id AS customer_id
        ) AS told
        RETURNING pg_sequence_last_value('events.awaited_until') > date_part('epoch', clock_timestamp()) INTO somebody_waits;
    END IF;
    IF somebody_waits THEN
        PERFORM events.announce_events();
    END IF;
    RETURN NULL;
END;
$function$;

-- Writes what happened to a row of public.support_ticket to the outbox, in the transaction of the change.
CREATE FUNCTION events.record_public_support_ticket() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    aggregate_id text;
    somebody_waits boolean;
BEGIN
    IF TG_OP = 'INSERT' THEN
        SELECT t.customer_id INTO STRICT aggregate_id
        FROM public.support_ticket AS t WHERE t.id = NEW.id;
        -- Keeps the order of the key: see events.publish.
        PERFORM FROM public.customer AS a WHERE a.id = aggregate_id::uuid FOR NO KEY UPDATE;
        INSERT INTO events.outbox
            (type, topic, ordering_key, lane, subject, data, session_variables, traceparent)
        SELECT
            'ticket.inserted',
            'customer-events',
            aggregate_id,
            events.lane_of(aggregate_id),
            aggregate_id,
            to_jsonb(told),
            nullif(current_setting('app.session', true), '')::jsonb,
            nullif(current_setting('app.traceparent', true), '')
        FROM (
            SELECT
                'INSERT' AS op,
                '{"schema": "public", "name": "support_ticket"}'::jsonb AS "table",
                rows AS data,
                nullif(current_setting('app.session', true), '')::jsonb AS session_variables
            FROM (
                SELECT
                    NULL::text AS old,
                    new_row AS new
                FROM (
                    SELECT
                        NEW.id,
                        NEW.customer_id,
                        NEW.zendesk_ticket_id,
                        NEW.category,
                        NEW.status,
                        NEW.priority,
                        NEW.invoice_id,
                        NEW.created_at,
                        NEW.updated_at
                ) AS new_row
            ) AS rows
        ) AS told
        RETURNING pg_sequence_last_value('events.awaited_until') > date_part('epoch', clock_timestamp()) INTO somebody_waits;
    ELSIF TG_OP = 'UPDATE' THEN
        SELECT t.customer_id INTO STRICT aggregate_id
        FROM public.support_ticket AS t WHERE t.id = NEW.id;
        -- Keeps the order of the key: see events.publish.
        PERFORM FROM public.customer AS a WHERE a.id = aggregate_id::uuid FOR NO KEY UPDATE;
        INSERT INTO events.outbox
            (type, topic, ordering_key, lane, subject, data, session_variables, traceparent)
        SELECT
            'ticket.updated',
            'customer-events',
            aggregate_id,
            events.lane_of(aggregate_id),
            aggregate_id,
            to_jsonb(told),
            nullif(current_setting('app.session', true), '')::jsonb,
            nullif(current_setting('app.traceparent', true), '')
        FROM (
            SELECT
                'UPDATE' AS op,
                '{"schema": "public", "name": "support_ticket"}'::jsonb AS "table",
                rows AS data,
                to_jsonb(array_remove(ARRAY[
                    CASE WHEN OLD.subject IS DISTINCT FROM NEW.subject THEN 'subject' END,
                    CASE WHEN OLD.status IS DISTINCT FROM NEW.status THEN 'status' END,
                    CASE WHEN OLD.priority IS DISTINCT FROM NEW.priority THEN 'priority' END
                ], NULL)) AS changed,
                nullif(current_setting('app.session', true), '')::jsonb AS session_variables
            FROM (
                SELECT
                    old_row AS old,
                    new_row AS new
                FROM (
                    SELECT
                        OLD.id,
                        OLD.customer_id,
                        OLD.zendesk_ticket_id,
                        OLD.category,
                        OLD.status,
                        OLD.priority,
                        OLD.invoice_id,
                        OLD.created_at,
                        OLD.updated_at
                ) AS old_row
                CROSS JOIN (
                    SELECT
                        NEW.id,
                        NEW.customer_id,
                        NEW.zendesk_ticket_id,
                        NEW.category,
                        NEW.status,
                        NEW.priority,
                        NEW.invoice_id,
                        NEW.created_at,
                        NEW.updated_at
                ) AS new_row
            ) AS rows
        ) AS told
        RETURNING pg_sequence_last_value('events.awaited_until') > date_part('epoch', clock_timestamp()) INTO somebody_waits;
    END IF;
    IF somebody_waits THEN
        PERFORM events.announce_events();
    END IF;
    RETURN NULL;
END;
$function$;

-- Writes what happened to a row of public.support_ticket_comment to the outbox, in the transaction of the change.
CREATE FUNCTION events.record_public_support_ticket_comment() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    aggregate_id text;
    somebody_waits boolean;
BEGIN
    IF TG_OP = 'INSERT' THEN
        SELECT t.customer_id INTO STRICT aggregate_id
        FROM public.support_ticket AS t WHERE t.id = NEW.ticket_id;
        -- Keeps the order of the key: see events.publish.
        PERFORM FROM public.customer AS a WHERE a.id = aggregate_id::uuid FOR NO KEY UPDATE;
        INSERT INTO events.outbox
            (type, topic, ordering_key, lane, subject, data, session_variables, traceparent)
        SELECT
            'ticket.commented',
            'customer-events',
            aggregate_id,
            events.lane_of(aggregate_id),
            aggregate_id,
            to_jsonb(told),
            nullif(current_setting('app.session', true), '')::jsonb,
            nullif(current_setting('app.traceparent', true), '')
        FROM (
            SELECT
                NEW.id AS comment_id,
                NEW.ticket_id,
                NEW.author,
                NEW.public,
                NEW.zendesk_comment_id,
                aggregate_id AS customer_id
        ) AS told
        RETURNING pg_sequence_last_value('events.awaited_until') > date_part('epoch', clock_timestamp()) INTO somebody_waits;
    END IF;
    IF somebody_waits THEN
        PERFORM events.announce_events();
    END IF;
    RETURN NULL;
END;
$function$;

CREATE TRIGGER record_insert AFTER INSERT ON public.contract
FOR EACH ROW
EXECUTE FUNCTION events.record_public_contract();

CREATE TRIGGER record_update AFTER UPDATE ON public.contract
FOR EACH ROW
WHEN (
    OLD.customer_id IS DISTINCT FROM NEW.customer_id
    OR OLD.subscription_id IS DISTINCT FROM NEW.subscription_id
    OR OLD.treatment_id IS DISTINCT FROM NEW.treatment_id
    OR OLD.status IS DISTINCT FROM NEW.status
    OR OLD.start_date IS DISTINCT FROM NEW.start_date
    OR OLD.end_date IS DISTINCT FROM NEW.end_date
    OR OLD.auto_renew IS DISTINCT FROM NEW.auto_renew
    OR OLD.renewed_from_id IS DISTINCT FROM NEW.renewed_from_id
)
EXECUTE FUNCTION events.record_public_contract();

CREATE TRIGGER record_insert AFTER INSERT ON chargebee.invoice
FOR EACH ROW
WHEN (NEW.history_by IS NULL)
EXECUTE FUNCTION events.record_chargebee_invoice();

CREATE TRIGGER record_update AFTER UPDATE ON chargebee.invoice
FOR EACH ROW
WHEN (
    OLD.customer_id IS DISTINCT FROM NEW.customer_id
    OR OLD.subscription_id IS DISTINCT FROM NEW.subscription_id
    OR OLD.status IS DISTINCT FROM NEW.status
    OR OLD.due_date IS DISTINCT FROM NEW.due_date
    OR OLD.total IS DISTINCT FROM NEW.total
    OR OLD.amount_paid IS DISTINCT FROM NEW.amount_paid
    OR OLD.amount_adjusted IS DISTINCT FROM NEW.amount_adjusted
    OR OLD.credits_applied IS DISTINCT FROM NEW.credits_applied
    OR OLD.write_off_amount IS DISTINCT FROM NEW.write_off_amount
    OR OLD.amount_due IS DISTINCT FROM NEW.amount_due
    OR OLD.paid_at IS DISTINCT FROM NEW.paid_at
    OR OLD.voided_at IS DISTINCT FROM NEW.voided_at
    OR OLD.dunning_status IS DISTINCT FROM NEW.dunning_status
    OR OLD.next_retry_at IS DISTINCT FROM NEW.next_retry_at
    OR OLD.issued_credit_notes IS DISTINCT FROM NEW.issued_credit_notes
    OR OLD.deleted IS DISTINCT FROM NEW.deleted
)
EXECUTE FUNCTION events.record_chargebee_invoice();

CREATE TRIGGER record_insert AFTER INSERT ON public.customer
FOR EACH ROW
EXECUTE FUNCTION events.record_public_customer();

CREATE TRIGGER record_update AFTER UPDATE ON public.customer
FOR EACH ROW
WHEN (
    OLD.firebase_uid IS DISTINCT FROM NEW.firebase_uid
    OR OLD.chargebee_customer_id IS DISTINCT FROM NEW.chargebee_customer_id
    OR OLD.zendesk_user_id IS DISTINCT FROM NEW.zendesk_user_id
    OR OLD.email IS DISTINCT FROM NEW.email
    OR OLD.first_name IS DISTINCT FROM NEW.first_name
    OR OLD.last_name IS DISTINCT FROM NEW.last_name
    OR OLD.phone IS DISTINCT FROM NEW.phone
    OR OLD.date_of_birth IS DISTINCT FROM NEW.date_of_birth
    OR OLD.address_line1 IS DISTINCT FROM NEW.address_line1
    OR OLD.address_line2 IS DISTINCT FROM NEW.address_line2
    OR OLD.city IS DISTINCT FROM NEW.city
    OR OLD.state_code IS DISTINCT FROM NEW.state_code
    OR OLD.zip IS DISTINCT FROM NEW.zip
    OR OLD.country IS DISTINCT FROM NEW.country
    OR OLD.timezone IS DISTINCT FROM NEW.timezone
    OR OLD.currency_code IS DISTINCT FROM NEW.currency_code
    OR OLD.lifetime_value IS DISTINCT FROM NEW.lifetime_value
    OR OLD.email_opt_out IS DISTINCT FROM NEW.email_opt_out
    OR OLD.sms_opt_out IS DISTINCT FROM NEW.sms_opt_out
    OR OLD.quiet_hours_start IS DISTINCT FROM NEW.quiet_hours_start
    OR OLD.quiet_hours_end IS DISTINCT FROM NEW.quiet_hours_end
    OR OLD.deleted_at IS DISTINCT FROM NEW.deleted_at
)
EXECUTE FUNCTION events.record_public_customer();

CREATE TRIGGER record_insert AFTER INSERT ON healthcare.prescription
FOR EACH ROW
EXECUTE FUNCTION events.record_healthcare_prescription();

CREATE TRIGGER record_update AFTER UPDATE ON healthcare.prescription
FOR EACH ROW
WHEN (
    OLD.requester_id IS DISTINCT FROM NEW.requester_id
    OR OLD.contract_id IS DISTINCT FROM NEW.contract_id
    OR OLD.pharmacy_id IS DISTINCT FROM NEW.pharmacy_id
    OR OLD.status IS DISTINCT FROM NEW.status
    OR OLD.refills_remaining IS DISTINCT FROM NEW.refills_remaining
    OR OLD.refill_due_on IS DISTINCT FROM NEW.refill_due_on
    OR OLD.refill_requested_at IS DISTINCT FROM NEW.refill_requested_at
    OR OLD.signed_at IS DISTINCT FROM NEW.signed_at
    OR OLD.valid_until IS DISTINCT FROM NEW.valid_until
)
EXECUTE FUNCTION events.record_healthcare_prescription();

CREATE TRIGGER record_insert AFTER INSERT ON public.message
FOR EACH ROW
EXECUTE FUNCTION events.record_public_message();

CREATE TRIGGER record_insert AFTER INSERT ON public.support_ticket
FOR EACH ROW
EXECUTE FUNCTION events.record_public_support_ticket();

CREATE TRIGGER record_update AFTER UPDATE ON public.support_ticket
FOR EACH ROW
WHEN (
    OLD.subject IS DISTINCT FROM NEW.subject
    OR OLD.status IS DISTINCT FROM NEW.status
    OR OLD.priority IS DISTINCT FROM NEW.priority
)
EXECUTE FUNCTION events.record_public_support_ticket();

CREATE TRIGGER record_insert AFTER INSERT ON public.support_ticket_comment
FOR EACH ROW
EXECUTE FUNCTION events.record_public_support_ticket_comment();

-- As before, but for how an event is known to wait.
CREATE OR REPLACE FUNCTION audit.remove_kept_records(older_than interval DEFAULT interval '10 years', at_most integer DEFAULT 20)
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
