-- Wakes the relays that sleep, when this transaction commits. A pending NOTIFY takes a lock on the whole instance at
-- commit, which lets one transaction commit at a time; so nothing is notified while every relay is awake and polling.
--
-- It runs after the row was inserted, so that this transaction has its transaction id before `asleep` is read: a relay
-- that goes to sleep waits for all transactions of that time (see triggers/sleep.py and docs/events.md). Under
-- REPEATABLE READ and SERIALIZABLE the snapshot may be older than that id, and what it says of the relay is no use.
-- A relay that died asleep costs notifications until its row expires, and no longer.
CREATE FUNCTION events.wake_relay() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    IF EXISTS (SELECT FROM events.relay AS r WHERE r.asleep AND r.expires_at > clock_timestamp())
        OR current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted')
    THEN
        NOTIFY caregraph_outbox;
    END IF;
    RETURN NULL;
END;
$function$;

CREATE TRIGGER wake_relay AFTER INSERT ON events.outbox
FOR EACH STATEMENT EXECUTE FUNCTION events.wake_relay();

-- The row of a relay changes often and is read by every commit: keep its versions on one page.
ALTER TABLE events.relay SET (fillfactor = 20, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 200);

-- Marking a row as published leaves a dead entry at the front of the index that the relay reads from.
ALTER TABLE events.outbox SET (
    fillfactor = 90,
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 20000,
    autovacuum_analyze_scale_factor = 0.05
);

-- Writes a domain event to the outbox, in the caller's transaction. Topic and ordering key come from the declared type.
--
-- Idempotent on `event_id`: an id that is there already gives that event back, with `created` false; the same id for
-- another type or subject is refused (unique_violation).
--
-- The row lock on the aggregate keeps the order of a key: a row change holds that lock until it commits, so of two
-- transactions that write events of one key, the second gets its sequence number after the first has committed. An
-- aggregate that isn't there (yet, or any more) is locked by the hash of its key.
CREATE FUNCTION events.publish(
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
             'contract.renewed'
        THEN
            topic := 'contract-events';
            subject_field := 'contract_id';
            aggregate_id := event_subject::uuid::text;
            PERFORM FROM public.contract AS a WHERE a.id = aggregate_id::uuid FOR NO KEY UPDATE;
        WHEN 'customer.deleted',
             'customer.profile_changed',
             'customer.role_changed',
             'customer.signed_up',
             'referral.completed',
             'subscription.changed'
        THEN
            topic := 'customer-events';
            subject_field := 'customer_id';
            aggregate_id := event_subject::uuid::text;
            PERFORM FROM public.customer AS a WHERE a.id = aggregate_id::uuid FOR NO KEY UPDATE;
        WHEN 'invoice.payment_failed',
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
                USING ERRCODE = 'invalid_parameter_value', HINT = 'One of: contract.activated, contract.cancelled, contract.completed, contract.created, contract.renewed, customer.deleted, customer.profile_changed, customer.role_changed, customer.signed_up, referral.completed, subscription.changed, invoice.payment_failed, invoice.payment_recovered, invoice.payment_succeeded, invoice.refunded, prescription.delivered, prescription.filled, prescription.refill_due, prescription.rejected, prescription.sent, prescription.shipped, prescription.signed.';
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

-- It runs with its owner's rights, so who may call it is granted by name.
REVOKE EXECUTE ON FUNCTION events.publish(text, text, jsonb, uuid, jsonb, text) FROM PUBLIC;

-- Puts events into the outbox once more, in their old order, and settles their dead letters. Normally the copies carry
-- the id of the original (`replay_of`), so that an agent that has handled it does nothing; `again` gives them new ids,
-- and every agent handles them as new events.
CREATE FUNCTION events.replay(event_ids uuid[], again boolean DEFAULT false)
RETURNS TABLE (event_id uuid, replay_id uuid, sequence bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
#variable_conflict use_column
BEGIN
    UPDATE events.dead_letter AS d
    SET resolved_at = now(), resolution = 'replayed'
    WHERE d.event_id = ANY (event_ids) AND d.resolved_at IS NULL;

    RETURN QUERY
    WITH original AS MATERIALIZED (
        SELECT o.*, public.uuid_v7() AS copy_id
        FROM events.outbox AS o
        WHERE o.id = ANY (event_ids)
    ),
    copy AS (
        INSERT INTO events.outbox AS c (
            id, replay_of, type, topic, ordering_key, subject, source, data, session_variables, traceparent
        )
        SELECT
            o.copy_id,
            CASE WHEN NOT again THEN coalesce(o.replay_of, o.id) END,
            o.type, o.topic, o.ordering_key, o.subject, o.source, o.data, o.session_variables, o.traceparent
        FROM original AS o
        ORDER BY o.sequence
        RETURNING c.id, c.sequence
    )
    SELECT o.id, c.id, c.sequence
    FROM copy AS c
    JOIN original AS o ON o.copy_id = c.id
    ORDER BY c.sequence;
END;
$function$;

-- It runs with its owner's rights, so who may call it is granted by name.
REVOKE EXECUTE ON FUNCTION events.replay(uuid[], boolean) FROM PUBLIC;

-- Writes what happened to a row of public.contract to the outbox, in the transaction of the change.
CREATE FUNCTION events.record_public_contract() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    session jsonb := nullif(current_setting('app.session', true), '')::jsonb;
    trace text := nullif(current_setting('app.traceparent', true), '');
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO events.outbox (type, topic, ordering_key, subject, data, session_variables, traceparent)
        VALUES (
            'contract.inserted',
            'contract-events',
            NEW.id::text,
            NEW.id::text,
            jsonb_build_object(
                'op', 'INSERT',
                'table', jsonb_build_object('schema', 'public', 'name', 'contract'),
                'data', jsonb_build_object(
                    'old', NULL,
                    'new', jsonb_build_object(
                        'id', NEW.id,
                        'customer_id', NEW.customer_id,
                        'subscription_id', NEW.subscription_id,
                        'treatment_id', NEW.treatment_id,
                        'status', NEW.status,
                        'start_date', NEW.start_date,
                        'end_date', NEW.end_date,
                        'auto_renew', NEW.auto_renew,
                        'renewed_from_id', NEW.renewed_from_id,
                        'activated_at', NEW.activated_at,
                        'completed_at', NEW.completed_at,
                        'cancelled_at', NEW.cancelled_at,
                        'created_at', NEW.created_at,
                        'updated_at', NEW.updated_at
                    )
                ),
                'session_variables', session
            ),
            session,
            trace
        );
    ELSIF TG_OP = 'UPDATE' THEN
        INSERT INTO events.outbox (type, topic, ordering_key, subject, data, session_variables, traceparent)
        VALUES (
            'contract.updated',
            'contract-events',
            NEW.id::text,
            NEW.id::text,
            jsonb_build_object(
                'op', 'UPDATE',
                'table', jsonb_build_object('schema', 'public', 'name', 'contract'),
                'data', jsonb_build_object(
                    'old', jsonb_build_object(
                        'id', OLD.id,
                        'customer_id', OLD.customer_id,
                        'subscription_id', OLD.subscription_id,
                        'treatment_id', OLD.treatment_id,
                        'status', OLD.status,
                        'start_date', OLD.start_date,
                        'end_date', OLD.end_date,
                        'auto_renew', OLD.auto_renew,
                        'renewed_from_id', OLD.renewed_from_id,
                        'activated_at', OLD.activated_at,
                        'completed_at', OLD.completed_at,
                        'cancelled_at', OLD.cancelled_at,
                        'created_at', OLD.created_at,
                        'updated_at', OLD.updated_at
                    ),
                    'new', jsonb_build_object(
                        'id', NEW.id,
                        'customer_id', NEW.customer_id,
                        'subscription_id', NEW.subscription_id,
                        'treatment_id', NEW.treatment_id,
                        'status', NEW.status,
                        'start_date', NEW.start_date,
                        'end_date', NEW.end_date,
                        'auto_renew', NEW.auto_renew,
                        'renewed_from_id', NEW.renewed_from_id,
                        'activated_at', NEW.activated_at,
                        'completed_at', NEW.completed_at,
                        'cancelled_at', NEW.cancelled_at,
                        'created_at', NEW.created_at,
                        'updated_at', NEW.updated_at
                    )
                ),
                'changed', to_jsonb(array_remove(ARRAY[
                    CASE WHEN OLD.customer_id IS DISTINCT FROM NEW.customer_id THEN 'customer_id' END,
                    CASE WHEN OLD.subscription_id IS DISTINCT FROM NEW.subscription_id THEN 'subscription_id' END,
                    CASE WHEN OLD.treatment_id IS DISTINCT FROM NEW.treatment_id THEN 'treatment_id' END,
                    CASE WHEN OLD.status IS DISTINCT FROM NEW.status THEN 'status' END,
                    CASE WHEN OLD.start_date IS DISTINCT FROM NEW.start_date THEN 'start_date' END,
                    CASE WHEN OLD.end_date IS DISTINCT FROM NEW.end_date THEN 'end_date' END,
                    CASE WHEN OLD.auto_renew IS DISTINCT FROM NEW.auto_renew THEN 'auto_renew' END,
                    CASE WHEN OLD.renewed_from_id IS DISTINCT FROM NEW.renewed_from_id THEN 'renewed_from_id' END
                ], NULL)),
                'session_variables', session
            ),
            session,
            trace
        );
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

-- Writes what happened to a row of chargebee.invoice to the outbox, in the transaction of the change.
CREATE FUNCTION events.record_chargebee_invoice() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    session jsonb := nullif(current_setting('app.session', true), '')::jsonb;
    trace text := nullif(current_setting('app.traceparent', true), '');
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO events.outbox (type, topic, ordering_key, subject, data, session_variables, traceparent)
        VALUES (
            'invoice.inserted',
            'invoice-events',
            NEW.id::text,
            NEW.id::text,
            jsonb_build_object(
                'op', 'INSERT',
                'table', jsonb_build_object('schema', 'chargebee', 'name', 'invoice'),
                'data', jsonb_build_object(
                    'old', NULL,
                    'new', jsonb_build_object(
                        'id', NEW.id,
                        'customer_id', NEW.customer_id,
                        'subscription_id', NEW.subscription_id,
                        'status', NEW.status,
                        'recurring', NEW.recurring,
                        'first_invoice', NEW.first_invoice,
                        'price_type', NEW.price_type,
                        'date', NEW.date,
                        'due_date', NEW.due_date,
                        'net_term_days', NEW.net_term_days,
                        'currency_code', NEW.currency_code,
                        'sub_total', NEW.sub_total,
                        'tax', NEW.tax,
                        'total', NEW.total,
                        'amount_paid', NEW.amount_paid,
                        'amount_adjusted', NEW.amount_adjusted,
                        'credits_applied', NEW.credits_applied,
                        'write_off_amount', NEW.write_off_amount,
                        'amount_due', NEW.amount_due,
                        'paid_at', NEW.paid_at,
                        'voided_at', NEW.voided_at,
                        'dunning_status', NEW.dunning_status,
                        'next_retry_at', NEW.next_retry_at,
                        'generated_at', NEW.generated_at,
                        'updated_at', NEW.updated_at,
                        'resource_version', NEW.resource_version,
                        'deleted', NEW.deleted
                    )
                ),
                'session_variables', session
            ),
            session,
            trace
        );
    ELSIF TG_OP = 'UPDATE' THEN
        INSERT INTO events.outbox (type, topic, ordering_key, subject, data, session_variables, traceparent)
        VALUES (
            'invoice.updated',
            'invoice-events',
            NEW.id::text,
            NEW.id::text,
            jsonb_build_object(
                'op', 'UPDATE',
                'table', jsonb_build_object('schema', 'chargebee', 'name', 'invoice'),
                'data', jsonb_build_object(
                    'old', jsonb_build_object(
                        'id', OLD.id,
                        'customer_id', OLD.customer_id,
                        'subscription_id', OLD.subscription_id,
                        'status', OLD.status,
                        'recurring', OLD.recurring,
                        'first_invoice', OLD.first_invoice,
                        'price_type', OLD.price_type,
                        'date', OLD.date,
                        'due_date', OLD.due_date,
                        'net_term_days', OLD.net_term_days,
                        'currency_code', OLD.currency_code,
                        'sub_total', OLD.sub_total,
                        'tax', OLD.tax,
                        'total', OLD.total,
                        'amount_paid', OLD.amount_paid,
                        'amount_adjusted', OLD.amount_adjusted,
                        'credits_applied', OLD.credits_applied,
                        'write_off_amount', OLD.write_off_amount,
                        'amount_due', OLD.amount_due,
                        'paid_at', OLD.paid_at,
                        'voided_at', OLD.voided_at,
                        'dunning_status', OLD.dunning_status,
                        'next_retry_at', OLD.next_retry_at,
                        'generated_at', OLD.generated_at,
                        'updated_at', OLD.updated_at,
                        'resource_version', OLD.resource_version,
                        'deleted', OLD.deleted
                    ),
                    'new', jsonb_build_object(
                        'id', NEW.id,
                        'customer_id', NEW.customer_id,
                        'subscription_id', NEW.subscription_id,
                        'status', NEW.status,
                        'recurring', NEW.recurring,
                        'first_invoice', NEW.first_invoice,
                        'price_type', NEW.price_type,
                        'date', NEW.date,
                        'due_date', NEW.due_date,
                        'net_term_days', NEW.net_term_days,
                        'currency_code', NEW.currency_code,
                        'sub_total', NEW.sub_total,
                        'tax', NEW.tax,
                        'total', NEW.total,
                        'amount_paid', NEW.amount_paid,
                        'amount_adjusted', NEW.amount_adjusted,
                        'credits_applied', NEW.credits_applied,
                        'write_off_amount', NEW.write_off_amount,
                        'amount_due', NEW.amount_due,
                        'paid_at', NEW.paid_at,
                        'voided_at', NEW.voided_at,
                        'dunning_status', NEW.dunning_status,
                        'next_retry_at', NEW.next_retry_at,
                        'generated_at', NEW.generated_at,
                        'updated_at', NEW.updated_at,
                        'resource_version', NEW.resource_version,
                        'deleted', NEW.deleted
                    )
                ),
                'changed', to_jsonb(array_remove(ARRAY[
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
                    CASE WHEN OLD.deleted IS DISTINCT FROM NEW.deleted THEN 'deleted' END
                ], NULL)),
                'session_variables', session
            ),
            session,
            trace
        );
    END IF;
    RETURN NULL;
END;
$function$;

CREATE TRIGGER record_insert AFTER INSERT ON chargebee.invoice
FOR EACH ROW
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
    OR OLD.deleted IS DISTINCT FROM NEW.deleted
)
EXECUTE FUNCTION events.record_chargebee_invoice();

-- Writes what happened to a row of public.customer to the outbox, in the transaction of the change.
CREATE FUNCTION events.record_public_customer() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    session jsonb := nullif(current_setting('app.session', true), '')::jsonb;
    trace text := nullif(current_setting('app.traceparent', true), '');
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO events.outbox (type, topic, ordering_key, subject, data, session_variables, traceparent)
        VALUES (
            'customer.inserted',
            'customer-events',
            NEW.id::text,
            NEW.id::text,
            jsonb_build_object(
                'op', 'INSERT',
                'table', jsonb_build_object('schema', 'public', 'name', 'customer'),
                'data', jsonb_build_object(
                    'old', NULL,
                    'new', jsonb_build_object(
                        'id', NEW.id,
                        'firebase_uid', NEW.firebase_uid,
                        'chargebee_customer_id', NEW.chargebee_customer_id,
                        'zendesk_user_id', NEW.zendesk_user_id,
                        'timezone', NEW.timezone,
                        'currency_code', NEW.currency_code,
                        'lifetime_value', NEW.lifetime_value,
                        'email_opt_out', NEW.email_opt_out,
                        'sms_opt_out', NEW.sms_opt_out,
                        'deleted_at', NEW.deleted_at,
                        'created_at', NEW.created_at,
                        'updated_at', NEW.updated_at
                    )
                ),
                'session_variables', session
            ),
            session,
            trace
        );
    ELSIF TG_OP = 'UPDATE' THEN
        INSERT INTO events.outbox (type, topic, ordering_key, subject, data, session_variables, traceparent)
        VALUES (
            'customer.updated',
            'customer-events',
            NEW.id::text,
            NEW.id::text,
            jsonb_build_object(
                'op', 'UPDATE',
                'table', jsonb_build_object('schema', 'public', 'name', 'customer'),
                'data', jsonb_build_object(
                    'old', jsonb_build_object(
                        'id', OLD.id,
                        'firebase_uid', OLD.firebase_uid,
                        'chargebee_customer_id', OLD.chargebee_customer_id,
                        'zendesk_user_id', OLD.zendesk_user_id,
                        'timezone', OLD.timezone,
                        'currency_code', OLD.currency_code,
                        'lifetime_value', OLD.lifetime_value,
                        'email_opt_out', OLD.email_opt_out,
                        'sms_opt_out', OLD.sms_opt_out,
                        'deleted_at', OLD.deleted_at,
                        'created_at', OLD.created_at,
                        'updated_at', OLD.updated_at
                    ),
                    'new', jsonb_build_object(
                        'id', NEW.id,
                        'firebase_uid', NEW.firebase_uid,
                        'chargebee_customer_id', NEW.chargebee_customer_id,
                        'zendesk_user_id', NEW.zendesk_user_id,
                        'timezone', NEW.timezone,
                        'currency_code', NEW.currency_code,
                        'lifetime_value', NEW.lifetime_value,
                        'email_opt_out', NEW.email_opt_out,
                        'sms_opt_out', NEW.sms_opt_out,
                        'deleted_at', NEW.deleted_at,
                        'created_at', NEW.created_at,
                        'updated_at', NEW.updated_at
                    )
                ),
                'changed', to_jsonb(array_remove(ARRAY[
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
                ], NULL)),
                'session_variables', session
            ),
            session,
            trace
        );
    END IF;
    RETURN NULL;
END;
$function$;

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

-- Writes what happened to a row of healthcare.prescription to the outbox, in the transaction of the change.
CREATE FUNCTION events.record_healthcare_prescription() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    session jsonb := nullif(current_setting('app.session', true), '')::jsonb;
    trace text := nullif(current_setting('app.traceparent', true), '');
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO events.outbox (type, topic, ordering_key, subject, data, session_variables, traceparent)
        VALUES (
            'prescription.inserted',
            'prescription-events',
            NEW.id::text,
            NEW.id::text,
            jsonb_build_object(
                'op', 'INSERT',
                'table', jsonb_build_object('schema', 'healthcare', 'name', 'prescription'),
                'data', jsonb_build_object(
                    'old', NULL,
                    'new', jsonb_build_object(
                        'id', NEW.id,
                        'patient_id', NEW.patient_id,
                        'requester_id', NEW.requester_id,
                        'contract_id', NEW.contract_id,
                        'pharmacy_id', NEW.pharmacy_id,
                        'status', NEW.status,
                        'created_at', NEW.created_at,
                        'updated_at', NEW.updated_at
                    )
                ),
                'session_variables', session
            ),
            session,
            trace
        );
    ELSIF TG_OP = 'UPDATE' THEN
        INSERT INTO events.outbox (type, topic, ordering_key, subject, data, session_variables, traceparent)
        VALUES (
            'prescription.updated',
            'prescription-events',
            NEW.id::text,
            NEW.id::text,
            jsonb_build_object(
                'op', 'UPDATE',
                'table', jsonb_build_object('schema', 'healthcare', 'name', 'prescription'),
                'data', jsonb_build_object(
                    'old', jsonb_build_object(
                        'id', OLD.id,
                        'patient_id', OLD.patient_id,
                        'requester_id', OLD.requester_id,
                        'contract_id', OLD.contract_id,
                        'pharmacy_id', OLD.pharmacy_id,
                        'status', OLD.status,
                        'created_at', OLD.created_at,
                        'updated_at', OLD.updated_at
                    ),
                    'new', jsonb_build_object(
                        'id', NEW.id,
                        'patient_id', NEW.patient_id,
                        'requester_id', NEW.requester_id,
                        'contract_id', NEW.contract_id,
                        'pharmacy_id', NEW.pharmacy_id,
                        'status', NEW.status,
                        'created_at', NEW.created_at,
                        'updated_at', NEW.updated_at
                    )
                ),
                'changed', to_jsonb(array_remove(ARRAY[
                    CASE WHEN OLD.requester_id IS DISTINCT FROM NEW.requester_id THEN 'requester_id' END,
                    CASE WHEN OLD.contract_id IS DISTINCT FROM NEW.contract_id THEN 'contract_id' END,
                    CASE WHEN OLD.pharmacy_id IS DISTINCT FROM NEW.pharmacy_id THEN 'pharmacy_id' END,
                    CASE WHEN OLD.status IS DISTINCT FROM NEW.status THEN 'status' END,
                    CASE WHEN OLD.refills_remaining IS DISTINCT FROM NEW.refills_remaining THEN 'refills_remaining' END,
                    CASE WHEN OLD.refill_due_on IS DISTINCT FROM NEW.refill_due_on THEN 'refill_due_on' END,
                    CASE WHEN OLD.refill_requested_at IS DISTINCT FROM NEW.refill_requested_at THEN 'refill_requested_at' END,
                    CASE WHEN OLD.signed_at IS DISTINCT FROM NEW.signed_at THEN 'signed_at' END,
                    CASE WHEN OLD.valid_until IS DISTINCT FROM NEW.valid_until THEN 'valid_until' END
                ], NULL)),
                'session_variables', session
            ),
            session,
            trace
        );
    END IF;
    RETURN NULL;
END;
$function$;

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

-- Writes what happened to a row of public.message to the outbox, in the transaction of the change.
CREATE FUNCTION events.record_public_message() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    session jsonb := nullif(current_setting('app.session', true), '')::jsonb;
    trace text := nullif(current_setting('app.traceparent', true), '');
    aggregate_id text;
BEGIN
    IF TG_OP = 'INSERT' THEN
        SELECT t.customer_id INTO STRICT aggregate_id
        FROM public.message_thread AS t WHERE t.id = NEW.thread_id;
        -- Keeps the order of the key: see events.publish.
        PERFORM FROM public.customer AS a WHERE a.id = aggregate_id::uuid FOR NO KEY UPDATE;
        INSERT INTO events.outbox (type, topic, ordering_key, subject, data, session_variables, traceparent)
        VALUES (
            'message.sent',
            'customer-events',
            aggregate_id,
            aggregate_id,
            jsonb_build_object(
                'message_id', NEW.id,
                'thread_id', NEW.thread_id,
                'sender_customer_id', NEW.sender_customer_id,
                'sender_staff_id', NEW.sender_staff_id,
                'customer_id', aggregate_id
            ),
            session,
            trace
        );
    END IF;
    RETURN NULL;
END;
$function$;

CREATE TRIGGER record_insert AFTER INSERT ON public.message
FOR EACH ROW
EXECUTE FUNCTION events.record_public_message();
