-- What events.publish knows of types, and what makes an invoice's events and shows in them; as `python -m triggers.ddl`
-- printed it when this revision was written.
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
                USING ERRCODE = 'invalid_parameter_value', HINT = 'One of: contract.activated, contract.cancelled, contract.completed, contract.created, contract.renewed, customer.deleted, customer.profile_changed, customer.role_changed, customer.signed_up, referral.completed, subscription.change_applied, subscription.change_refused, subscription.changed, invoice.new_card_needed, invoice.payment_exhausted, invoice.payment_failed, invoice.payment_recovered, invoice.payment_succeeded, invoice.refunded, prescription.delivered, prescription.filled, prescription.refill_due, prescription.rejected, prescription.sent, prescription.shipped, prescription.signed.';
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

CREATE OR REPLACE FUNCTION events.record_chargebee_invoice() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
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
                'table', '{"schema": "chargebee", "name": "invoice"}'::jsonb,
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
                        'issued_credit_notes', NEW.issued_credit_notes,
                        'generated_at', NEW.generated_at,
                        'updated_at', NEW.updated_at,
                        'resource_version', NEW.resource_version,
                        'deleted', NEW.deleted
                    )
                ),
                'session_variables', nullif(current_setting('app.session', true), '')::jsonb
            ),
            nullif(current_setting('app.session', true), '')::jsonb,
            nullif(current_setting('app.traceparent', true), '')
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
                'table', '{"schema": "chargebee", "name": "invoice"}'::jsonb,
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
                        'issued_credit_notes', OLD.issued_credit_notes,
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
                        'issued_credit_notes', NEW.issued_credit_notes,
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
                    CASE WHEN OLD.issued_credit_notes IS DISTINCT FROM NEW.issued_credit_notes THEN 'issued_credit_notes' END,
                    CASE WHEN OLD.deleted IS DISTINCT FROM NEW.deleted THEN 'deleted' END
                ], NULL)),
                'session_variables', nullif(current_setting('app.session', true), '')::jsonb
            ),
            nullif(current_setting('app.session', true), '')::jsonb,
            nullif(current_setting('app.traceparent', true), '')
        );
    END IF;
    RETURN NULL;
END;
$function$;

CREATE OR REPLACE TRIGGER record_update AFTER UPDATE ON chargebee.invoice
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
