-- As `python -m triggers.ddl` printed it before this revision: an event's data are made level by level.
-- Writes what happened to a row of public.contract to the outbox, in the transaction of the change.
CREATE OR REPLACE FUNCTION events.record_public_contract() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    somebody_waits boolean;
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO events.outbox
            (type, topic, ordering_key, lane, subject, data, session_variables, traceparent)
        VALUES (
            'contract.inserted',
            'contract-events',
            NEW.id::text,
            events.lane_of(NEW.id::text),
            NEW.id::text,
            jsonb_build_object(
                'op', 'INSERT',
                'table', '{"schema": "public", "name": "contract"}'::jsonb,
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
                'session_variables', nullif(current_setting('app.session', true), '')::jsonb
            ),
            nullif(current_setting('app.session', true), '')::jsonb,
            nullif(current_setting('app.traceparent', true), '')
        )
        RETURNING pg_sequence_last_value('events.awaited_until') > date_part('epoch', clock_timestamp()) INTO somebody_waits;
    ELSIF TG_OP = 'UPDATE' THEN
        INSERT INTO events.outbox
            (type, topic, ordering_key, lane, subject, data, session_variables, traceparent)
        VALUES (
            'contract.updated',
            'contract-events',
            NEW.id::text,
            events.lane_of(NEW.id::text),
            NEW.id::text,
            jsonb_build_object(
                'op', 'UPDATE',
                'table', '{"schema": "public", "name": "contract"}'::jsonb,
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
                'session_variables', nullif(current_setting('app.session', true), '')::jsonb
            ),
            nullif(current_setting('app.session', true), '')::jsonb,
            nullif(current_setting('app.traceparent', true), '')
        )
        RETURNING pg_sequence_last_value('events.awaited_until') > date_part('epoch', clock_timestamp()) INTO somebody_waits;
    END IF;
    IF somebody_waits THEN
        PERFORM events.announce_events();
    END IF;
    RETURN NULL;
END;
$function$;

-- Writes what happened to a row of chargebee.invoice to the outbox, in the transaction of the change.
CREATE OR REPLACE FUNCTION events.record_chargebee_invoice() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    somebody_waits boolean;
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO events.outbox
            (type, topic, ordering_key, lane, subject, data, session_variables, traceparent)
        VALUES (
            'invoice.inserted',
            'invoice-events',
            NEW.id::text,
            events.lane_of(NEW.id::text),
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
        )
        RETURNING pg_sequence_last_value('events.awaited_until') > date_part('epoch', clock_timestamp()) INTO somebody_waits;
    ELSIF TG_OP = 'UPDATE' THEN
        INSERT INTO events.outbox
            (type, topic, ordering_key, lane, subject, data, session_variables, traceparent)
        VALUES (
            'invoice.updated',
            'invoice-events',
            NEW.id::text,
            events.lane_of(NEW.id::text),
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
        )
        RETURNING pg_sequence_last_value('events.awaited_until') > date_part('epoch', clock_timestamp()) INTO somebody_waits;
    END IF;
    IF somebody_waits THEN
        PERFORM events.announce_events();
    END IF;
    RETURN NULL;
END;
$function$;

-- Writes what happened to a row of public.customer to the outbox, in the transaction of the change.
CREATE OR REPLACE FUNCTION events.record_public_customer() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    somebody_waits boolean;
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO events.outbox
            (type, topic, ordering_key, lane, subject, data, session_variables, traceparent)
        VALUES (
            'customer.inserted',
            'customer-events',
            NEW.id::text,
            events.lane_of(NEW.id::text),
            NEW.id::text,
            jsonb_build_object(
                'op', 'INSERT',
                'table', '{"schema": "public", "name": "customer"}'::jsonb,
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
                'session_variables', nullif(current_setting('app.session', true), '')::jsonb
            ),
            nullif(current_setting('app.session', true), '')::jsonb,
            nullif(current_setting('app.traceparent', true), '')
        )
        RETURNING pg_sequence_last_value('events.awaited_until') > date_part('epoch', clock_timestamp()) INTO somebody_waits;
    ELSIF TG_OP = 'UPDATE' THEN
        INSERT INTO events.outbox
            (type, topic, ordering_key, lane, subject, data, session_variables, traceparent)
        VALUES (
            'customer.updated',
            'customer-events',
            NEW.id::text,
            events.lane_of(NEW.id::text),
            NEW.id::text,
            jsonb_build_object(
                'op', 'UPDATE',
                'table', '{"schema": "public", "name": "customer"}'::jsonb,
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
                'session_variables', nullif(current_setting('app.session', true), '')::jsonb
            ),
            nullif(current_setting('app.session', true), '')::jsonb,
            nullif(current_setting('app.traceparent', true), '')
        )
        RETURNING pg_sequence_last_value('events.awaited_until') > date_part('epoch', clock_timestamp()) INTO somebody_waits;
    END IF;
    IF somebody_waits THEN
        PERFORM events.announce_events();
    END IF;
    RETURN NULL;
END;
$function$;

-- Writes what happened to a row of healthcare.prescription to the outbox, in the transaction of the change.
CREATE OR REPLACE FUNCTION events.record_healthcare_prescription() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    somebody_waits boolean;
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO events.outbox
            (type, topic, ordering_key, lane, subject, data, session_variables, traceparent)
        VALUES (
            'prescription.inserted',
            'prescription-events',
            NEW.id::text,
            events.lane_of(NEW.id::text),
            NEW.id::text,
            jsonb_build_object(
                'op', 'INSERT',
                'table', '{"schema": "healthcare", "name": "prescription"}'::jsonb,
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
                'session_variables', nullif(current_setting('app.session', true), '')::jsonb
            ),
            nullif(current_setting('app.session', true), '')::jsonb,
            nullif(current_setting('app.traceparent', true), '')
        )
        RETURNING pg_sequence_last_value('events.awaited_until') > date_part('epoch', clock_timestamp()) INTO somebody_waits;
    ELSIF TG_OP = 'UPDATE' THEN
        INSERT INTO events.outbox
            (type, topic, ordering_key, lane, subject, data, session_variables, traceparent)
        VALUES (
            'prescription.updated',
            'prescription-events',
            NEW.id::text,
            events.lane_of(NEW.id::text),
            NEW.id::text,
            jsonb_build_object(
                'op', 'UPDATE',
                'table', '{"schema": "healthcare", "name": "prescription"}'::jsonb,
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
                'session_variables', nullif(current_setting('app.session', true), '')::jsonb
            ),
            nullif(current_setting('app.session', true), '')::jsonb,
            nullif(current_setting('app.traceparent', true), '')
        )
        RETURNING pg_sequence_last_value('events.awaited_until') > date_part('epoch', clock_timestamp()) INTO somebody_waits;
    END IF;
    IF somebody_waits THEN
        PERFORM events.announce_events();
    END IF;
    RETURN NULL;
END;
$function$;

-- Writes what happened to a row of public.message to the outbox, in the transaction of the change.
CREATE OR REPLACE FUNCTION events.record_public_message() RETURNS trigger
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
        VALUES (
            'message.sent',
            'customer-events',
            aggregate_id,
            events.lane_of(aggregate_id),
            aggregate_id,
            jsonb_build_object(
                'message_id', NEW.id,
                'thread_id', NEW.thread_id,
                'sender_customer_id', NEW.sender_customer_id,
                'sender_staff_id', NEW.sender_staff_id,
                'customer_id', aggregate_id
            ),
            nullif(current_setting('app.session', true), '')::jsonb,
            nullif(current_setting('app.traceparent', true), '')
        )
        RETURNING pg_sequence_last_value('events.awaited_until') > date_part('epoch', clock_timestamp()) INTO somebody_waits;
    END IF;
    IF somebody_waits THEN
        PERFORM events.announce_events();
    END IF;
    RETURN NULL;
END;
$function$;

-- Writes what happened to a row of public.support_ticket to the outbox, in the transaction of the change.
CREATE OR REPLACE FUNCTION events.record_public_support_ticket() RETURNS trigger
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
        VALUES (
            'ticket.inserted',
            'customer-events',
            aggregate_id,
            events.lane_of(aggregate_id),
            aggregate_id,
            jsonb_build_object(
                'op', 'INSERT',
                'table', '{"schema": "public", "name": "support_ticket"}'::jsonb,
                'data', jsonb_build_object(
                    'old', NULL,
                    'new', jsonb_build_object(
                        'id', NEW.id,
                        'customer_id', NEW.customer_id,
                        'zendesk_ticket_id', NEW.zendesk_ticket_id,
                        'category', NEW.category,
                        'status', NEW.status,
                        'priority', NEW.priority,
                        'invoice_id', NEW.invoice_id,
                        'created_at', NEW.created_at,
                        'updated_at', NEW.updated_at
                    )
                ),
                'session_variables', nullif(current_setting('app.session', true), '')::jsonb
            ),
            nullif(current_setting('app.session', true), '')::jsonb,
            nullif(current_setting('app.traceparent', true), '')
        )
        RETURNING pg_sequence_last_value('events.awaited_until') > date_part('epoch', clock_timestamp()) INTO somebody_waits;
    ELSIF TG_OP = 'UPDATE' THEN
        SELECT t.customer_id INTO STRICT aggregate_id
        FROM public.support_ticket AS t WHERE t.id = NEW.id;
        -- Keeps the order of the key: see events.publish.
        PERFORM FROM public.customer AS a WHERE a.id = aggregate_id::uuid FOR NO KEY UPDATE;
        INSERT INTO events.outbox
            (type, topic, ordering_key, lane, subject, data, session_variables, traceparent)
        VALUES (
            'ticket.updated',
            'customer-events',
            aggregate_id,
            events.lane_of(aggregate_id),
            aggregate_id,
            jsonb_build_object(
                'op', 'UPDATE',
                'table', '{"schema": "public", "name": "support_ticket"}'::jsonb,
                'data', jsonb_build_object(
                    'old', jsonb_build_object(
                        'id', OLD.id,
                        'customer_id', OLD.customer_id,
                        'zendesk_ticket_id', OLD.zendesk_ticket_id,
                        'category', OLD.category,
                        'status', OLD.status,
                        'priority', OLD.priority,
                        'invoice_id', OLD.invoice_id,
                        'created_at', OLD.created_at,
                        'updated_at', OLD.updated_at
                    ),
                    'new', jsonb_build_object(
                        'id', NEW.id,
                        'customer_id', NEW.customer_id,
                        'zendesk_ticket_id', NEW.zendesk_ticket_id,
                        'category', NEW.category,
                        'status', NEW.status,
                        'priority', NEW.priority,
                        'invoice_id', NEW.invoice_id,
                        'created_at', NEW.created_at,
                        'updated_at', NEW.updated_at
                    )
                ),
                'changed', to_jsonb(array_remove(ARRAY[
                    CASE WHEN OLD.subject IS DISTINCT FROM NEW.subject THEN 'subject' END,
                    CASE WHEN OLD.status IS DISTINCT FROM NEW.status THEN 'status' END,
                    CASE WHEN OLD.priority IS DISTINCT FROM NEW.priority THEN 'priority' END
                ], NULL)),
                'session_variables', nullif(current_setting('app.session', true), '')::jsonb
            ),
            nullif(current_setting('app.session', true), '')::jsonb,
            nullif(current_setting('app.traceparent', true), '')
        )
        RETURNING pg_sequence_last_value('events.awaited_until') > date_part('epoch', clock_timestamp()) INTO somebody_waits;
    END IF;
    IF somebody_waits THEN
        PERFORM events.announce_events();
    END IF;
    RETURN NULL;
END;
$function$;

-- Writes what happened to a row of public.support_ticket_comment to the outbox, in the transaction of the change.
CREATE OR REPLACE FUNCTION events.record_public_support_ticket_comment() RETURNS trigger
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
        VALUES (
            'ticket.commented',
            'customer-events',
            aggregate_id,
            events.lane_of(aggregate_id),
            aggregate_id,
            jsonb_build_object(
                'comment_id', NEW.id,
                'ticket_id', NEW.ticket_id,
                'author', NEW.author,
                'public', NEW.public,
                'zendesk_comment_id', NEW.zendesk_comment_id,
                'customer_id', aggregate_id
            ),
            nullif(current_setting('app.session', true), '')::jsonb,
            nullif(current_setting('app.traceparent', true), '')
        )
        RETURNING pg_sequence_last_value('events.awaited_until') > date_part('epoch', clock_timestamp()) INTO somebody_waits;
    END IF;
    IF somebody_waits THEN
        PERFORM events.announce_events();
    END IF;
    RETURN NULL;
END;
$function$;
