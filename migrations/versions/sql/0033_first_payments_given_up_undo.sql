-- As it was before.
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
                USING ERRCODE = 'invalid_parameter_value', HINT = 'One of: contract.activated, contract.cancelled, contract.completed, contract.created, contract.payment_declined, contract.renewed, customer.deleted, customer.payment_source_changed, customer.profile_changed, customer.role_changed, customer.signed_up, referral.completed, subscription.change_applied, subscription.change_refused, subscription.changed, invoice.new_card_needed, invoice.payment_exhausted, invoice.payment_failed, invoice.payment_recovered, invoice.payment_succeeded, invoice.refunded, prescription.delivered, prescription.filled, prescription.refill_due, prescription.rejected, prescription.sent, prescription.shipped, prescription.signed.';
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
