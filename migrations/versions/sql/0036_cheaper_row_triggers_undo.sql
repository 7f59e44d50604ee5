ALTER TABLE events.outbox ALTER COLUMN lane DROP DEFAULT;
DROP FUNCTION events.refuse_by_hand();
DROP FUNCTION events.announce_events();

-- Under REPEATABLE READ and SERIALIZABLE the snapshot may be older than the transaction's id, and what it says of relays
-- and watches is no use: these notify whenever anybody waits. (It gives something, so as to be called by a RETURNING
-- clause.)
CREATE FUNCTION events.announce_events() RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    -- What a live query is told (`events.notify_live`): the key columns, and that any key may be new.
    told CONSTANT text := json_build_object('t', 'events.outbox', 'c', json_build_array('id'), 'k', NULL)::text;
BEGIN
    IF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN
        NOTIFY caregraph_outbox;
        PERFORM pg_notify('caregraph_live', told);
        RETURN true;
    END IF;
    IF EXISTS (SELECT FROM events.relay AS r WHERE r.asleep AND r.expires_at > clock_timestamp()) THEN
        NOTIFY caregraph_outbox;
    END IF;
    PERFORM pg_notify('caregraph_live', told)
    FROM events.live_watch AS w WHERE w.table_key = 'events.outbox' AND w.until > clock_timestamp();
    RETURN true;
END;
$function$;

REVOKE EXECUTE ON FUNCTION events.announce_events() FROM PUBLIC;

-- Completes, lets wait and announces what is inserted by hand, which is known by its lack of a lane: triggers of tables and
-- `events.publish` do so by themselves, since a generated column and a trigger of every statement would cost each change
-- of a row a tenth of what its event costs. The argument names the key that live queries are told of, as with other
-- tables' triggers. What an ON CONFLICT clause will pass over doesn't wait.
CREATE FUNCTION events.announce() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    NEW.lane := events.lane_of(NEW.ordering_key);
    NEW.trace_id := split_part(NEW.traceparent, '-', 2);
    IF EXISTS (SELECT FROM events.outbox AS o WHERE o.id = NEW.id) THEN
        RETURN NEW;
    END IF;
    -- Who looks has a transaction id by then.
    INSERT INTO events.waiting (lane, sequence) VALUES (NEW.lane, NEW.sequence);
    IF pg_sequence_last_value('events.awaited_until') > date_part('epoch', clock_timestamp()) THEN
        PERFORM events.announce_events();
    END IF;
    RETURN NEW;
END;
$function$;

CREATE TRIGGER announce BEFORE INSERT ON events.outbox
FOR EACH ROW WHEN (NEW.lane IS NULL) EXECUTE FUNCTION events.announce('id');

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
    trace text;
    event_lane smallint;
    somebody_waits boolean;
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
    trace := coalesce(event_traceparent, nullif(current_setting('app.traceparent', true), ''));
    INSERT INTO events.outbox AS o (
        id, type, topic, ordering_key, lane, subject, data, session_variables, traceparent, trace_id
    )
    VALUES (
        coalesce(event_id, public.uuid_v7()),
        event_type,
        topic,
        aggregate_id,
        events.lane_of(aggregate_id),
        aggregate_id,
        event_data,
        coalesce(event_session, nullif(current_setting('app.session', true), '')::jsonb),
        trace,
        split_part(trace, '-', 2)
    )
    ON CONFLICT ON CONSTRAINT outbox_pkey DO NOTHING
    RETURNING o.id, o.type, o.topic, o.sequence, o.lane INTO id, type, topic, sequence, event_lane;
    created := FOUND;
    IF created THEN
        INSERT INTO events.waiting AS w (lane, sequence) VALUES (event_lane, publish.sequence)
        RETURNING pg_sequence_last_value('events.awaited_until') > date_part('epoch', clock_timestamp()) INTO somebody_waits;
        IF somebody_waits THEN
            PERFORM events.announce_events();
        END IF;
    ELSE
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

-- Puts events into the outbox once more, in their old order, and settles their dead letters. Normally the copies carry
-- the id of the original (`replay_of`), so that an agent that has handled it does nothing; `again` gives them new ids,
-- and every agent handles them as new events.
--
-- With `to_agent` the copies are for that agent alone, the others pass over them, and only its dead letters are settled.
-- `again` then lets it forget that it has handled the events; the copies keep their ids.
CREATE OR REPLACE FUNCTION events.replay(event_ids uuid[], again boolean DEFAULT false, to_agent text DEFAULT NULL)
RETURNS TABLE (event_id uuid, replay_id uuid, sequence bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
#variable_conflict use_column
BEGIN
    UPDATE events.dead_letter AS d
    SET resolved_at = now(), resolution = 'replayed'
    WHERE d.event_id = ANY (event_ids) AND d.resolved_at IS NULL AND (to_agent IS NULL OR d.agent = to_agent);

    IF again AND to_agent IS NOT NULL THEN
        DELETE FROM events.inbox AS i WHERE i.agent = to_agent AND i.event_id = ANY (event_ids);
    END IF;

    RETURN QUERY
    WITH original AS MATERIALIZED (
        SELECT h.*, public.uuid_v7() AS copy_id
        FROM events.history AS h
        WHERE h.id = ANY (event_ids)
    ),
    copy AS (
        INSERT INTO events.outbox AS c (
            id, replay_of, replay_to, type, topic, ordering_key, subject, source, data, session_variables, traceparent
        )
        SELECT
            o.copy_id,
            CASE WHEN NOT again OR to_agent IS NOT NULL THEN coalesce(o.replay_of, o.id) END,
            to_agent,
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

-- Writes the event of a row of public.contract that was inserted, in the transaction of the change. There is no IF in it:
-- PL/pgSQL prepares a condition anew in every transaction, at half the price of an entry in an index.
CREATE OR REPLACE FUNCTION events.record_insert_public_contract() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    announced boolean;
BEGIN
    INSERT INTO events.outbox
        (type, topic, ordering_key, lane, subject, data, session_variables, traceparent, trace_id)
    SELECT
        'contract.inserted',
        'contract-events',
        NEW.id::text,
        events.lane_of(NEW.id::text),
        NEW.id::text,
        to_jsonb(told),
        nullif(current_setting('app.session', true), '')::jsonb,
        nullif(current_setting('app.traceparent', true), ''),
        split_part(nullif(current_setting('app.traceparent', true), ''), '-', 2)
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
    ) AS told;
    INSERT INTO events.waiting (lane, sequence)
    VALUES (events.lane_of(NEW.id::text), currval('events.outbox_sequence_seq'))
    RETURNING CASE
        WHEN pg_sequence_last_value('events.awaited_until') > date_part('epoch', clock_timestamp())
        THEN events.announce_events()
    END INTO announced;
    RETURN NULL;
END;
$function$;

-- Writes the event of a row of public.contract that was updated, in the transaction of the change. There is no IF in it:
-- PL/pgSQL prepares a condition anew in every transaction, at half the price of an entry in an index.
CREATE OR REPLACE FUNCTION events.record_update_public_contract() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    announced boolean;
BEGIN
    INSERT INTO events.outbox
        (type, topic, ordering_key, lane, subject, data, session_variables, traceparent, trace_id)
    SELECT
        'contract.updated',
        'contract-events',
        NEW.id::text,
        events.lane_of(NEW.id::text),
        NEW.id::text,
        to_jsonb(told),
        nullif(current_setting('app.session', true), '')::jsonb,
        nullif(current_setting('app.traceparent', true), ''),
        split_part(nullif(current_setting('app.traceparent', true), ''), '-', 2)
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
    ) AS told;
    INSERT INTO events.waiting (lane, sequence)
    VALUES (events.lane_of(NEW.id::text), currval('events.outbox_sequence_seq'))
    RETURNING CASE
        WHEN pg_sequence_last_value('events.awaited_until') > date_part('epoch', clock_timestamp())
        THEN events.announce_events()
    END INTO announced;
    RETURN NULL;
END;
$function$;

-- Writes the event of a row of chargebee.invoice that was inserted, in the transaction of the change. There is no IF in it:
-- PL/pgSQL prepares a condition anew in every transaction, at half the price of an entry in an index.
CREATE OR REPLACE FUNCTION events.record_insert_chargebee_invoice() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    announced boolean;
BEGIN
    INSERT INTO events.outbox
        (type, topic, ordering_key, lane, subject, data, session_variables, traceparent, trace_id)
    SELECT
        'invoice.inserted',
        'invoice-events',
        NEW.id::text,
        events.lane_of(NEW.id::text),
        NEW.id::text,
        to_jsonb(told),
        nullif(current_setting('app.session', true), '')::jsonb,
        nullif(current_setting('app.traceparent', true), ''),
        split_part(nullif(current_setting('app.traceparent', true), ''), '-', 2)
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
    ) AS told;
    INSERT INTO events.waiting (lane, sequence)
    VALUES (events.lane_of(NEW.id::text), currval('events.outbox_sequence_seq'))
    RETURNING CASE
        WHEN pg_sequence_last_value('events.awaited_until') > date_part('epoch', clock_timestamp())
        THEN events.announce_events()
    END INTO announced;
    RETURN NULL;
END;
$function$;

-- Writes the event of a row of chargebee.invoice that was updated, in the transaction of the change. There is no IF in it:
-- PL/pgSQL prepares a condition anew in every transaction, at half the price of an entry in an index.
CREATE OR REPLACE FUNCTION events.record_update_chargebee_invoice() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    announced boolean;
BEGIN
    INSERT INTO events.outbox
        (type, topic, ordering_key, lane, subject, data, session_variables, traceparent, trace_id)
    SELECT
        'invoice.updated',
        'invoice-events',
        NEW.id::text,
        events.lane_of(NEW.id::text),
        NEW.id::text,
        to_jsonb(told),
        nullif(current_setting('app.session', true), '')::jsonb,
        nullif(current_setting('app.traceparent', true), ''),
        split_part(nullif(current_setting('app.traceparent', true), ''), '-', 2)
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
    ) AS told;
    INSERT INTO events.waiting (lane, sequence)
    VALUES (events.lane_of(NEW.id::text), currval('events.outbox_sequence_seq'))
    RETURNING CASE
        WHEN pg_sequence_last_value('events.awaited_until') > date_part('epoch', clock_timestamp())
        THEN events.announce_events()
    END INTO announced;
    RETURN NULL;
END;
$function$;

-- Writes the event of a row of public.customer that was inserted, in the transaction of the change. There is no IF in it:
-- PL/pgSQL prepares a condition anew in every transaction, at half the price of an entry in an index.
CREATE OR REPLACE FUNCTION events.record_insert_public_customer() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    announced boolean;
BEGIN
    INSERT INTO events.outbox
        (type, topic, ordering_key, lane, subject, data, session_variables, traceparent, trace_id)
    SELECT
        'customer.inserted',
        'customer-events',
        NEW.id::text,
        events.lane_of(NEW.id::text),
        NEW.id::text,
        to_jsonb(told),
        nullif(current_setting('app.session', true), '')::jsonb,
        nullif(current_setting('app.traceparent', true), ''),
        split_part(nullif(current_setting('app.traceparent', true), ''), '-', 2)
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
    ) AS told;
    INSERT INTO events.waiting (lane, sequence)
    VALUES (events.lane_of(NEW.id::text), currval('events.outbox_sequence_seq'))
    RETURNING CASE
        WHEN pg_sequence_last_value('events.awaited_until') > date_part('epoch', clock_timestamp())
        THEN events.announce_events()
    END INTO announced;
    RETURN NULL;
END;
$function$;

-- Writes the event of a row of public.customer that was updated, in the transaction of the change. There is no IF in it:
-- PL/pgSQL prepares a condition anew in every transaction, at half the price of an entry in an index.
CREATE OR REPLACE FUNCTION events.record_update_public_customer() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    announced boolean;
BEGIN
    INSERT INTO events.outbox
        (type, topic, ordering_key, lane, subject, data, session_variables, traceparent, trace_id)
    SELECT
        'customer.updated',
        'customer-events',
        NEW.id::text,
        events.lane_of(NEW.id::text),
        NEW.id::text,
        to_jsonb(told),
        nullif(current_setting('app.session', true), '')::jsonb,
        nullif(current_setting('app.traceparent', true), ''),
        split_part(nullif(current_setting('app.traceparent', true), ''), '-', 2)
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
    ) AS told;
    INSERT INTO events.waiting (lane, sequence)
    VALUES (events.lane_of(NEW.id::text), currval('events.outbox_sequence_seq'))
    RETURNING CASE
        WHEN pg_sequence_last_value('events.awaited_until') > date_part('epoch', clock_timestamp())
        THEN events.announce_events()
    END INTO announced;
    RETURN NULL;
END;
$function$;

-- Writes the event of a row of healthcare.prescription that was inserted, in the transaction of the change. There is no IF in it:
-- PL/pgSQL prepares a condition anew in every transaction, at half the price of an entry in an index.
CREATE OR REPLACE FUNCTION events.record_insert_healthcare_prescription() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    announced boolean;
BEGIN
    INSERT INTO events.outbox
        (type, topic, ordering_key, lane, subject, data, session_variables, traceparent, trace_id)
    SELECT
        'prescription.inserted',
        'prescription-events',
        NEW.id::text,
        events.lane_of(NEW.id::text),
        NEW.id::text,
        to_jsonb(told),
        nullif(current_setting('app.session', true), '')::jsonb,
        nullif(current_setting('app.traceparent', true), ''),
        split_part(nullif(current_setting('app.traceparent', true), ''), '-', 2)
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
    ) AS told;
    INSERT INTO events.waiting (lane, sequence)
    VALUES (events.lane_of(NEW.id::text), currval('events.outbox_sequence_seq'))
    RETURNING CASE
        WHEN pg_sequence_last_value('events.awaited_until') > date_part('epoch', clock_timestamp())
        THEN events.announce_events()
    END INTO announced;
    RETURN NULL;
END;
$function$;

-- Writes the event of a row of healthcare.prescription that was updated, in the transaction of the change. There is no IF in it:
-- PL/pgSQL prepares a condition anew in every transaction, at half the price of an entry in an index.
CREATE OR REPLACE FUNCTION events.record_update_healthcare_prescription() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    announced boolean;
BEGIN
    INSERT INTO events.outbox
        (type, topic, ordering_key, lane, subject, data, session_variables, traceparent, trace_id)
    SELECT
        'prescription.updated',
        'prescription-events',
        NEW.id::text,
        events.lane_of(NEW.id::text),
        NEW.id::text,
        to_jsonb(told),
        nullif(current_setting('app.session', true), '')::jsonb,
        nullif(current_setting('app.traceparent', true), ''),
        split_part(nullif(current_setting('app.traceparent', true), ''), '-', 2)
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
    ) AS told;
    INSERT INTO events.waiting (lane, sequence)
    VALUES (events.lane_of(NEW.id::text), currval('events.outbox_sequence_seq'))
    RETURNING CASE
        WHEN pg_sequence_last_value('events.awaited_until') > date_part('epoch', clock_timestamp())
        THEN events.announce_events()
    END INTO announced;
    RETURN NULL;
END;
$function$;

-- Writes the event of a row of public.message that was inserted, in the transaction of the change. There is no IF in it:
-- PL/pgSQL prepares a condition anew in every transaction, at half the price of an entry in an index.
CREATE OR REPLACE FUNCTION events.record_insert_public_message() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    aggregate_id text;
    announced boolean;
BEGIN
    SELECT t.customer_id INTO STRICT aggregate_id
    FROM public.message_thread AS t WHERE t.id = NEW.thread_id;
    -- Keeps the order of the key: see events.publish.
    PERFORM FROM public.customer AS a WHERE a.id = aggregate_id::uuid FOR NO KEY UPDATE;
    INSERT INTO events.outbox
        (type, topic, ordering_key, lane, subject, data, session_variables, traceparent, trace_id)
    SELECT
        'message.sent',
        'customer-events',
        aggregate_id,
        events.lane_of(aggregate_id),
        aggregate_id,
        to_jsonb(told),
        nullif(current_setting('app.session', true), '')::jsonb,
        nullif(current_setting('app.traceparent', true), ''),
        split_part(nullif(current_setting('app.traceparent', true), ''), '-', 2)
    FROM (
        SELECT
            NEW.id AS message_id,
            NEW.thread_id,
            NEW.sender_customer_id,
            NEW.sender_staff_id,
            aggregate_id AS customer_id
    ) AS told;
    INSERT INTO events.waiting (lane, sequence)
    VALUES (events.lane_of(aggregate_id), currval('events.outbox_sequence_seq'))
    RETURNING CASE
        WHEN pg_sequence_last_value('events.awaited_until') > date_part('epoch', clock_timestamp())
        THEN events.announce_events()
    END INTO announced;
    RETURN NULL;
END;
$function$;

-- Writes the event of a row of public.support_ticket that was inserted, in the transaction of the change. There is no IF in it:
-- PL/pgSQL prepares a condition anew in every transaction, at half the price of an entry in an index.
CREATE OR REPLACE FUNCTION events.record_insert_public_support_ticket() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    aggregate_id text;
    announced boolean;
BEGIN
    SELECT t.customer_id INTO STRICT aggregate_id
    FROM public.support_ticket AS t WHERE t.id = NEW.id;
    -- Keeps the order of the key: see events.publish.
    PERFORM FROM public.customer AS a WHERE a.id = aggregate_id::uuid FOR NO KEY UPDATE;
    INSERT INTO events.outbox
        (type, topic, ordering_key, lane, subject, data, session_variables, traceparent, trace_id)
    SELECT
        'ticket.inserted',
        'customer-events',
        aggregate_id,
        events.lane_of(aggregate_id),
        aggregate_id,
        to_jsonb(told),
        nullif(current_setting('app.session', true), '')::jsonb,
        nullif(current_setting('app.traceparent', true), ''),
        split_part(nullif(current_setting('app.traceparent', true), ''), '-', 2)
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
    ) AS told;
    INSERT INTO events.waiting (lane, sequence)
    VALUES (events.lane_of(aggregate_id), currval('events.outbox_sequence_seq'))
    RETURNING CASE
        WHEN pg_sequence_last_value('events.awaited_until') > date_part('epoch', clock_timestamp())
        THEN events.announce_events()
    END INTO announced;
    RETURN NULL;
END;
$function$;

-- Writes the event of a row of public.support_ticket that was updated, in the transaction of the change. There is no IF in it:
-- PL/pgSQL prepares a condition anew in every transaction, at half the price of an entry in an index.
CREATE OR REPLACE FUNCTION events.record_update_public_support_ticket() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    aggregate_id text;
    announced boolean;
BEGIN
    SELECT t.customer_id INTO STRICT aggregate_id
    FROM public.support_ticket AS t WHERE t.id = NEW.id;
    -- Keeps the order of the key: see events.publish.
    PERFORM FROM public.customer AS a WHERE a.id = aggregate_id::uuid FOR NO KEY UPDATE;
    INSERT INTO events.outbox
        (type, topic, ordering_key, lane, subject, data, session_variables, traceparent, trace_id)
    SELECT
        'ticket.updated',
        'customer-events',
        aggregate_id,
        events.lane_of(aggregate_id),
        aggregate_id,
        to_jsonb(told),
        nullif(current_setting('app.session', true), '')::jsonb,
        nullif(current_setting('app.traceparent', true), ''),
        split_part(nullif(current_setting('app.traceparent', true), ''), '-', 2)
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
    ) AS told;
    INSERT INTO events.waiting (lane, sequence)
    VALUES (events.lane_of(aggregate_id), currval('events.outbox_sequence_seq'))
    RETURNING CASE
        WHEN pg_sequence_last_value('events.awaited_until') > date_part('epoch', clock_timestamp())
        THEN events.announce_events()
    END INTO announced;
    RETURN NULL;
END;
$function$;

-- Writes the event of a row of public.support_ticket_comment that was inserted, in the transaction of the change. There is no IF in it:
-- PL/pgSQL prepares a condition anew in every transaction, at half the price of an entry in an index.
CREATE OR REPLACE FUNCTION events.record_insert_public_support_ticket_comment() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    aggregate_id text;
    announced boolean;
BEGIN
    SELECT t.customer_id INTO STRICT aggregate_id
    FROM public.support_ticket AS t WHERE t.id = NEW.ticket_id;
    -- Keeps the order of the key: see events.publish.
    PERFORM FROM public.customer AS a WHERE a.id = aggregate_id::uuid FOR NO KEY UPDATE;
    INSERT INTO events.outbox
        (type, topic, ordering_key, lane, subject, data, session_variables, traceparent, trace_id)
    SELECT
        'ticket.commented',
        'customer-events',
        aggregate_id,
        events.lane_of(aggregate_id),
        aggregate_id,
        to_jsonb(told),
        nullif(current_setting('app.session', true), '')::jsonb,
        nullif(current_setting('app.traceparent', true), ''),
        split_part(nullif(current_setting('app.traceparent', true), ''), '-', 2)
    FROM (
        SELECT
            NEW.id AS comment_id,
            NEW.ticket_id,
            NEW.author,
            NEW.public,
            NEW.zendesk_comment_id,
            aggregate_id AS customer_id
    ) AS told;
    INSERT INTO events.waiting (lane, sequence)
    VALUES (events.lane_of(aggregate_id), currval('events.outbox_sequence_seq'))
    RETURNING CASE
        WHEN pg_sequence_last_value('events.awaited_until') > date_part('epoch', clock_timestamp())
        THEN events.announce_events()
    END INTO announced;
    RETURN NULL;
END;
$function$;

DROP TYPE events.data_of_public_support_ticket_comment;
DROP TYPE events.update_of_public_support_ticket;
DROP TYPE events.insert_of_public_support_ticket;
DROP TYPE events.rows_of_public_support_ticket;
DROP TYPE events.row_of_public_support_ticket;
DROP TYPE events.data_of_public_message;
DROP TYPE events.update_of_healthcare_prescription;
DROP TYPE events.insert_of_healthcare_prescription;
DROP TYPE events.rows_of_healthcare_prescription;
DROP TYPE events.row_of_healthcare_prescription;
DROP TYPE events.update_of_public_customer;
DROP TYPE events.insert_of_public_customer;
DROP TYPE events.rows_of_public_customer;
DROP TYPE events.row_of_public_customer;
DROP TYPE events.update_of_chargebee_invoice;
DROP TYPE events.insert_of_chargebee_invoice;
DROP TYPE events.rows_of_chargebee_invoice;
DROP TYPE events.row_of_chargebee_invoice;
DROP TYPE events.update_of_public_contract;
DROP TYPE events.insert_of_public_contract;
DROP TYPE events.rows_of_public_contract;
DROP TYPE events.row_of_public_contract;
DROP FUNCTION events.somebody_waits();
DROP FUNCTION events.trace_id(text);
DROP FUNCTION events.traceparent();
DROP FUNCTION events.session_variables();
