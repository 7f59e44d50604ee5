-- As `python -m triggers.ddl` printed it when this revision was written: an event's data are made of rows, as a whole.
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
CREATE OR REPLACE FUNCTION events.record_chargebee_invoice() RETURNS trigger
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
CREATE OR REPLACE FUNCTION events.record_public_customer() RETURNS trigger
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
CREATE OR REPLACE FUNCTION events.record_healthcare_prescription() RETURNS trigger
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
