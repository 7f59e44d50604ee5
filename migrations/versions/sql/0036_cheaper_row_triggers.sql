DROP TRIGGER announce ON events.outbox;
DROP FUNCTION events.announce();
DROP FUNCTION events.announce_events();

-- Who changes a row, and in which trace: what the endpoint set for the transaction; null outside of it.
--
-- Each of these is a bare expression, which PostgreSQL puts in place of the call. Its names were looked up when it was
-- made, so that it means the same whatever the caller's search path is.
CREATE FUNCTION events.session_variables() RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
RETURN nullif(current_setting('app.session', true), '')::jsonb;

CREATE FUNCTION events.traceparent() RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
RETURN nullif(current_setting('app.traceparent', true), '');

-- The trace of a W3C trace context (https://www.w3.org/TR/trace-context/#traceparent-header).
CREATE FUNCTION events.trace_id(traceparent text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN split_part(traceparent, '-', 2);

-- Put in place of its call, as the functions of session.sql are.
CREATE FUNCTION events.somebody_waits() RETURNS boolean
LANGUAGE sql
RETURN pg_sequence_last_value('events.awaited_until') > date_part('epoch', clock_timestamp());

-- Gives 0, how often an event that begins to wait has failed. Under REPEATABLE READ and SERIALIZABLE the snapshot may be
-- older than the transaction's id, and what it says of relays and watches is no use: these notify whenever anybody waits.
CREATE FUNCTION events.announce_events() RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    -- What a live query is told (`events.notify_live`): the key columns, and that any key may be new.
    told CONSTANT text := json_build_object('t', 'events.outbox', 'c', json_build_array('id'), 'k', NULL)::text;
BEGIN
    IF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN
        NOTIFY caregraph_outbox;
        PERFORM pg_notify('caregraph_live', told);
        RETURN 0;
    END IF;
    IF EXISTS (SELECT FROM events.relay AS r WHERE r.asleep AND r.expires_at > clock_timestamp()) THEN
        NOTIFY caregraph_outbox;
    END IF;
    PERFORM pg_notify('caregraph_live', told)
    FROM events.live_watch AS w WHERE w.table_key = 'events.outbox' AND w.until > clock_timestamp();
    RETURN 0;
END;
$function$;

REVOKE EXECUTE ON FUNCTION events.announce_events() FROM PUBLIC;

-- An event that nobody lets wait would never be published. Whoever writes one therefore says in which lane it waits, and
-- who doesn't know of lanes learns here what to use in place of an INSERT. (A default, since a trigger that completes
-- such a row costs each event whatever its condition is.)
CREATE FUNCTION events.refuse_by_hand() RETURNS smallint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    RAISE EXCEPTION 'no relay would see an event inserted by hand; events.publish and publish_event write events'
        USING HINT = 'SELECT events.publish(type, subject, data), or SELECT events.replay(ids) for what was published before.';
END;
$function$;

ALTER TABLE events.outbox ALTER COLUMN lane SET DEFAULT events.refuse_by_hand();

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
            PERFORM FROM public.contract AS a WHERE a.id OPERATOR(pg_catalog.=) aggregate_id::pg_catalog.uuid FOR NO KEY UPDATE;
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
            PERFORM FROM public.customer AS a WHERE a.id OPERATOR(pg_catalog.=) aggregate_id::pg_catalog.uuid FOR NO KEY UPDATE;
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
            PERFORM FROM chargebee.invoice AS a WHERE a.id OPERATOR(pg_catalog.=) aggregate_id FOR NO KEY UPDATE;
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
            PERFORM FROM healthcare.prescription AS a WHERE a.id OPERATOR(pg_catalog.=) aggregate_id::pg_catalog.uuid FOR NO KEY UPDATE;
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
    trace := coalesce(event_traceparent, events.traceparent());
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
        coalesce(event_session, events.session_variables()),
        trace,
        events.trace_id(trace)
    )
    ON CONFLICT ON CONSTRAINT outbox_pkey DO NOTHING
    RETURNING o.id, o.type, o.topic, o.sequence INTO id, type, topic, sequence;
    created := FOUND;
    IF created THEN
        INSERT INTO events.waiting (lane, sequence, attempts)
        VALUES (
            events.lane_of(aggregate_id),
            publish.sequence,
            CASE WHEN events.somebody_waits() THEN events.announce_events() ELSE 0 END
        );
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
            id, replay_of, replay_to, type, topic, ordering_key, lane, subject, source, data, session_variables, traceparent,
            trace_id
        )
        SELECT
            o.copy_id,
            CASE WHEN NOT again OR to_agent IS NOT NULL THEN coalesce(o.replay_of, o.id) END,
            to_agent,
            o.type, o.topic, o.ordering_key, events.lane_of(o.ordering_key), o.subject, o.source, o.data,
            o.session_variables, o.traceparent, o.trace_id
        FROM original AS o
        ORDER BY o.sequence
        RETURNING c.id, c.lane, c.sequence
    ),
    queued AS (
        INSERT INTO events.waiting (lane, sequence, attempts)
        SELECT c.lane, c.sequence, CASE WHEN events.somebody_waits() THEN events.announce_events() ELSE 0 END FROM copy AS c
    )
    SELECT o.id, c.id, c.sequence
    FROM copy AS c
    JOIN original AS o ON o.copy_id = c.id
    ORDER BY c.sequence;
END;
$function$;

CREATE TYPE events.row_of_public_contract AS (
    id uuid,
    customer_id uuid,
    subscription_id text,
    treatment_id uuid,
    status text,
    start_date date,
    end_date date,
    auto_renew boolean,
    renewed_from_id uuid,
    activated_at timestamp with time zone,
    completed_at timestamp with time zone,
    cancelled_at timestamp with time zone,
    created_at timestamp with time zone,
    updated_at timestamp with time zone
);

CREATE TYPE events.rows_of_public_contract AS (
    old events.row_of_public_contract,
    new events.row_of_public_contract
);

CREATE TYPE events.insert_of_public_contract AS (
    op text,
    "table" jsonb,
    data events.rows_of_public_contract,
    session_variables jsonb
);

CREATE TYPE events.update_of_public_contract AS (
    op text,
    "table" jsonb,
    data events.rows_of_public_contract,
    changed jsonb,
    session_variables jsonb
);

CREATE TYPE events.row_of_chargebee_invoice AS (
    id text,
    customer_id text,
    subscription_id text,
    status text,
    recurring boolean,
    first_invoice boolean,
    price_type text,
    date timestamp with time zone,
    due_date timestamp with time zone,
    net_term_days integer,
    currency_code text,
    sub_total bigint,
    tax bigint,
    total bigint,
    amount_paid bigint,
    amount_adjusted bigint,
    credits_applied bigint,
    write_off_amount bigint,
    amount_due bigint,
    paid_at timestamp with time zone,
    voided_at timestamp with time zone,
    dunning_status text,
    next_retry_at timestamp with time zone,
    issued_credit_notes jsonb,
    generated_at timestamp with time zone,
    updated_at timestamp with time zone,
    resource_version bigint,
    deleted boolean
);

CREATE TYPE events.rows_of_chargebee_invoice AS (
    old events.row_of_chargebee_invoice,
    new events.row_of_chargebee_invoice
);

CREATE TYPE events.insert_of_chargebee_invoice AS (
    op text,
    "table" jsonb,
    data events.rows_of_chargebee_invoice,
    session_variables jsonb
);

CREATE TYPE events.update_of_chargebee_invoice AS (
    op text,
    "table" jsonb,
    data events.rows_of_chargebee_invoice,
    changed jsonb,
    session_variables jsonb
);

CREATE TYPE events.row_of_public_customer AS (
    id uuid,
    firebase_uid text,
    chargebee_customer_id text,
    zendesk_user_id bigint,
    timezone text,
    currency_code text,
    lifetime_value bigint,
    email_opt_out boolean,
    sms_opt_out boolean,
    deleted_at timestamp with time zone,
    created_at timestamp with time zone,
    updated_at timestamp with time zone
);

CREATE TYPE events.rows_of_public_customer AS (
    old events.row_of_public_customer,
    new events.row_of_public_customer
);

CREATE TYPE events.insert_of_public_customer AS (
    op text,
    "table" jsonb,
    data events.rows_of_public_customer,
    session_variables jsonb
);

CREATE TYPE events.update_of_public_customer AS (
    op text,
    "table" jsonb,
    data events.rows_of_public_customer,
    changed jsonb,
    session_variables jsonb
);

CREATE TYPE events.row_of_healthcare_prescription AS (
    id uuid,
    patient_id uuid,
    requester_id uuid,
    contract_id uuid,
    pharmacy_id uuid,
    status text,
    created_at timestamp with time zone,
    updated_at timestamp with time zone
);

CREATE TYPE events.rows_of_healthcare_prescription AS (
    old events.row_of_healthcare_prescription,
    new events.row_of_healthcare_prescription
);

CREATE TYPE events.insert_of_healthcare_prescription AS (
    op text,
    "table" jsonb,
    data events.rows_of_healthcare_prescription,
    session_variables jsonb
);

CREATE TYPE events.update_of_healthcare_prescription AS (
    op text,
    "table" jsonb,
    data events.rows_of_healthcare_prescription,
    changed jsonb,
    session_variables jsonb
);

CREATE TYPE events.data_of_public_message AS (
    message_id uuid,
    thread_id uuid,
    sender_customer_id uuid,
    sender_staff_id uuid,
    customer_id text
);

CREATE TYPE events.row_of_public_support_ticket AS (
    id uuid,
    customer_id uuid,
    zendesk_ticket_id bigint,
    category text,
    status text,
    priority text,
    invoice_id text,
    created_at timestamp with time zone,
    updated_at timestamp with time zone
);

CREATE TYPE events.rows_of_public_support_ticket AS (
    old events.row_of_public_support_ticket,
    new events.row_of_public_support_ticket
);

CREATE TYPE events.insert_of_public_support_ticket AS (
    op text,
    "table" jsonb,
    data events.rows_of_public_support_ticket,
    session_variables jsonb
);

CREATE TYPE events.update_of_public_support_ticket AS (
    op text,
    "table" jsonb,
    data events.rows_of_public_support_ticket,
    changed jsonb,
    session_variables jsonb
);

CREATE TYPE events.data_of_public_support_ticket_comment AS (
    comment_id uuid,
    ticket_id uuid,
    author text,
    public boolean,
    zendesk_comment_id bigint,
    customer_id text
);

-- Writes the event of a row of public.contract that was inserted, in the transaction of the change. There is no IF in it:
-- PL/pgSQL prepares a condition anew in every transaction, at half the price of an entry in an index. Nor does it set a
-- search path, which costs twice that: every name in it is written out with its schema, operators and types too
-- (docs/decisions/row-triggers-name-every-schema.md).
CREATE OR REPLACE FUNCTION events.record_insert_public_contract() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
AS $function$
BEGIN
    INSERT INTO events.outbox
        (type, topic, ordering_key, lane, subject, data, session_variables, traceparent, trace_id)
    VALUES (
        'contract.inserted',
        'contract-events',
        NEW.id::pg_catalog.text,
        events.lane_of(NEW.id::pg_catalog.text),
        NEW.id::pg_catalog.text,
        pg_catalog.to_jsonb(ROW(
            'INSERT',
            '{"schema": "public", "name": "contract"}'::pg_catalog.jsonb,
            ROW(
                NULL,
                ROW(
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
                )::events.row_of_public_contract
            )::events.rows_of_public_contract,
            events.session_variables()
        )::events.insert_of_public_contract),
        events.session_variables(),
        events.traceparent(),
        events.trace_id(events.traceparent())
    );
    INSERT INTO events.waiting (lane, sequence, attempts)
    VALUES (
        events.lane_of(NEW.id::pg_catalog.text),
        pg_catalog.currval('events.outbox_sequence_seq'),
        CASE WHEN events.somebody_waits() THEN events.announce_events() ELSE 0 END
    );
    RETURN NULL;
END;
$function$;

-- Writes the event of a row of public.contract that was updated, in the transaction of the change. There is no IF in it:
-- PL/pgSQL prepares a condition anew in every transaction, at half the price of an entry in an index. Nor does it set a
-- search path, which costs twice that: every name in it is written out with its schema, operators and types too
-- (docs/decisions/row-triggers-name-every-schema.md).
CREATE OR REPLACE FUNCTION events.record_update_public_contract() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
AS $function$
BEGIN
    INSERT INTO events.outbox
        (type, topic, ordering_key, lane, subject, data, session_variables, traceparent, trace_id)
    VALUES (
        'contract.updated',
        'contract-events',
        NEW.id::pg_catalog.text,
        events.lane_of(NEW.id::pg_catalog.text),
        NEW.id::pg_catalog.text,
        pg_catalog.to_jsonb(ROW(
            'UPDATE',
            '{"schema": "public", "name": "contract"}'::pg_catalog.jsonb,
            ROW(
                ROW(
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
                )::events.row_of_public_contract,
                ROW(
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
                )::events.row_of_public_contract
            )::events.rows_of_public_contract,
            pg_catalog.to_jsonb(pg_catalog.array_remove(ARRAY[
                CASE
                    WHEN OLD.customer_id OPERATOR(pg_catalog.=) NEW.customer_id THEN NULL
                    WHEN OLD.customer_id IS NULL AND NEW.customer_id IS NULL THEN NULL
                    ELSE 'customer_id'
                END,
                CASE
                    WHEN OLD.subscription_id OPERATOR(pg_catalog.=) NEW.subscription_id THEN NULL
                    WHEN OLD.subscription_id IS NULL AND NEW.subscription_id IS NULL THEN NULL
                    ELSE 'subscription_id'
                END,
                CASE
                    WHEN OLD.treatment_id OPERATOR(pg_catalog.=) NEW.treatment_id THEN NULL
                    WHEN OLD.treatment_id IS NULL AND NEW.treatment_id IS NULL THEN NULL
                    ELSE 'treatment_id'
                END,
                CASE
                    WHEN OLD.status OPERATOR(pg_catalog.=) NEW.status THEN NULL
                    WHEN OLD.status IS NULL AND NEW.status IS NULL THEN NULL
                    ELSE 'status'
                END,
                CASE
                    WHEN OLD.start_date OPERATOR(pg_catalog.=) NEW.start_date THEN NULL
                    WHEN OLD.start_date IS NULL AND NEW.start_date IS NULL THEN NULL
                    ELSE 'start_date'
                END,
                CASE
                    WHEN OLD.end_date OPERATOR(pg_catalog.=) NEW.end_date THEN NULL
                    WHEN OLD.end_date IS NULL AND NEW.end_date IS NULL THEN NULL
                    ELSE 'end_date'
                END,
                CASE
                    WHEN OLD.auto_renew OPERATOR(pg_catalog.=) NEW.auto_renew THEN NULL
                    WHEN OLD.auto_renew IS NULL AND NEW.auto_renew IS NULL THEN NULL
                    ELSE 'auto_renew'
                END,
                CASE
                    WHEN OLD.renewed_from_id OPERATOR(pg_catalog.=) NEW.renewed_from_id THEN NULL
                    WHEN OLD.renewed_from_id IS NULL AND NEW.renewed_from_id IS NULL THEN NULL
                    ELSE 'renewed_from_id'
                END
            ], NULL)),
            events.session_variables()
        )::events.update_of_public_contract),
        events.session_variables(),
        events.traceparent(),
        events.trace_id(events.traceparent())
    );
    INSERT INTO events.waiting (lane, sequence, attempts)
    VALUES (
        events.lane_of(NEW.id::pg_catalog.text),
        pg_catalog.currval('events.outbox_sequence_seq'),
        CASE WHEN events.somebody_waits() THEN events.announce_events() ELSE 0 END
    );
    RETURN NULL;
END;
$function$;

-- Writes the event of a row of chargebee.invoice that was inserted, in the transaction of the change. There is no IF in it:
-- PL/pgSQL prepares a condition anew in every transaction, at half the price of an entry in an index. Nor does it set a
-- search path, which costs twice that: every name in it is written out with its schema, operators and types too
-- (docs/decisions/row-triggers-name-every-schema.md).
CREATE OR REPLACE FUNCTION events.record_insert_chargebee_invoice() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
AS $function$
BEGIN
    INSERT INTO events.outbox
        (type, topic, ordering_key, lane, subject, data, session_variables, traceparent, trace_id)
    VALUES (
        'invoice.inserted',
        'invoice-events',
        NEW.id::pg_catalog.text,
        events.lane_of(NEW.id::pg_catalog.text),
        NEW.id::pg_catalog.text,
        pg_catalog.to_jsonb(ROW(
            'INSERT',
            '{"schema": "chargebee", "name": "invoice"}'::pg_catalog.jsonb,
            ROW(
                NULL,
                ROW(
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
                )::events.row_of_chargebee_invoice
            )::events.rows_of_chargebee_invoice,
            events.session_variables()
        )::events.insert_of_chargebee_invoice),
        events.session_variables(),
        events.traceparent(),
        events.trace_id(events.traceparent())
    );
    INSERT INTO events.waiting (lane, sequence, attempts)
    VALUES (
        events.lane_of(NEW.id::pg_catalog.text),
        pg_catalog.currval('events.outbox_sequence_seq'),
        CASE WHEN events.somebody_waits() THEN events.announce_events() ELSE 0 END
    );
    RETURN NULL;
END;
$function$;

-- Writes the event of a row of chargebee.invoice that was updated, in the transaction of the change. There is no IF in it:
-- PL/pgSQL prepares a condition anew in every transaction, at half the price of an entry in an index. Nor does it set a
-- search path, which costs twice that: every name in it is written out with its schema, operators and types too
-- (docs/decisions/row-triggers-name-every-schema.md).
CREATE OR REPLACE FUNCTION events.record_update_chargebee_invoice() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
AS $function$
BEGIN
    INSERT INTO events.outbox
        (type, topic, ordering_key, lane, subject, data, session_variables, traceparent, trace_id)
    VALUES (
        'invoice.updated',
        'invoice-events',
        NEW.id::pg_catalog.text,
        events.lane_of(NEW.id::pg_catalog.text),
        NEW.id::pg_catalog.text,
        pg_catalog.to_jsonb(ROW(
            'UPDATE',
            '{"schema": "chargebee", "name": "invoice"}'::pg_catalog.jsonb,
            ROW(
                ROW(
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
                )::events.row_of_chargebee_invoice,
                ROW(
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
                )::events.row_of_chargebee_invoice
            )::events.rows_of_chargebee_invoice,
            pg_catalog.to_jsonb(pg_catalog.array_remove(ARRAY[
                CASE
                    WHEN OLD.customer_id OPERATOR(pg_catalog.=) NEW.customer_id THEN NULL
                    WHEN OLD.customer_id IS NULL AND NEW.customer_id IS NULL THEN NULL
                    ELSE 'customer_id'
                END,
                CASE
                    WHEN OLD.subscription_id OPERATOR(pg_catalog.=) NEW.subscription_id THEN NULL
                    WHEN OLD.subscription_id IS NULL AND NEW.subscription_id IS NULL THEN NULL
                    ELSE 'subscription_id'
                END,
                CASE
                    WHEN OLD.status OPERATOR(pg_catalog.=) NEW.status THEN NULL
                    WHEN OLD.status IS NULL AND NEW.status IS NULL THEN NULL
                    ELSE 'status'
                END,
                CASE
                    WHEN OLD.due_date OPERATOR(pg_catalog.=) NEW.due_date THEN NULL
                    WHEN OLD.due_date IS NULL AND NEW.due_date IS NULL THEN NULL
                    ELSE 'due_date'
                END,
                CASE
                    WHEN OLD.total OPERATOR(pg_catalog.=) NEW.total THEN NULL
                    WHEN OLD.total IS NULL AND NEW.total IS NULL THEN NULL
                    ELSE 'total'
                END,
                CASE
                    WHEN OLD.amount_paid OPERATOR(pg_catalog.=) NEW.amount_paid THEN NULL
                    WHEN OLD.amount_paid IS NULL AND NEW.amount_paid IS NULL THEN NULL
                    ELSE 'amount_paid'
                END,
                CASE
                    WHEN OLD.amount_adjusted OPERATOR(pg_catalog.=) NEW.amount_adjusted THEN NULL
                    WHEN OLD.amount_adjusted IS NULL AND NEW.amount_adjusted IS NULL THEN NULL
                    ELSE 'amount_adjusted'
                END,
                CASE
                    WHEN OLD.credits_applied OPERATOR(pg_catalog.=) NEW.credits_applied THEN NULL
                    WHEN OLD.credits_applied IS NULL AND NEW.credits_applied IS NULL THEN NULL
                    ELSE 'credits_applied'
                END,
                CASE
                    WHEN OLD.write_off_amount OPERATOR(pg_catalog.=) NEW.write_off_amount THEN NULL
                    WHEN OLD.write_off_amount IS NULL AND NEW.write_off_amount IS NULL THEN NULL
                    ELSE 'write_off_amount'
                END,
                CASE
                    WHEN OLD.amount_due OPERATOR(pg_catalog.=) NEW.amount_due THEN NULL
                    WHEN OLD.amount_due IS NULL AND NEW.amount_due IS NULL THEN NULL
                    ELSE 'amount_due'
                END,
                CASE
                    WHEN OLD.paid_at OPERATOR(pg_catalog.=) NEW.paid_at THEN NULL
                    WHEN OLD.paid_at IS NULL AND NEW.paid_at IS NULL THEN NULL
                    ELSE 'paid_at'
                END,
                CASE
                    WHEN OLD.voided_at OPERATOR(pg_catalog.=) NEW.voided_at THEN NULL
                    WHEN OLD.voided_at IS NULL AND NEW.voided_at IS NULL THEN NULL
                    ELSE 'voided_at'
                END,
                CASE
                    WHEN OLD.dunning_status OPERATOR(pg_catalog.=) NEW.dunning_status THEN NULL
                    WHEN OLD.dunning_status IS NULL AND NEW.dunning_status IS NULL THEN NULL
                    ELSE 'dunning_status'
                END,
                CASE
                    WHEN OLD.next_retry_at OPERATOR(pg_catalog.=) NEW.next_retry_at THEN NULL
                    WHEN OLD.next_retry_at IS NULL AND NEW.next_retry_at IS NULL THEN NULL
                    ELSE 'next_retry_at'
                END,
                CASE
                    WHEN OLD.issued_credit_notes OPERATOR(pg_catalog.=) NEW.issued_credit_notes THEN NULL
                    WHEN OLD.issued_credit_notes IS NULL AND NEW.issued_credit_notes IS NULL THEN NULL
                    ELSE 'issued_credit_notes'
                END,
                CASE
                    WHEN OLD.deleted OPERATOR(pg_catalog.=) NEW.deleted THEN NULL
                    WHEN OLD.deleted IS NULL AND NEW.deleted IS NULL THEN NULL
                    ELSE 'deleted'
                END
            ], NULL)),
            events.session_variables()
        )::events.update_of_chargebee_invoice),
        events.session_variables(),
        events.traceparent(),
        events.trace_id(events.traceparent())
    );
    INSERT INTO events.waiting (lane, sequence, attempts)
    VALUES (
        events.lane_of(NEW.id::pg_catalog.text),
        pg_catalog.currval('events.outbox_sequence_seq'),
        CASE WHEN events.somebody_waits() THEN events.announce_events() ELSE 0 END
    );
    RETURN NULL;
END;
$function$;

-- Writes the event of a row of public.customer that was inserted, in the transaction of the change. There is no IF in it:
-- PL/pgSQL prepares a condition anew in every transaction, at half the price of an entry in an index. Nor does it set a
-- search path, which costs twice that: every name in it is written out with its schema, operators and types too
-- (docs/decisions/row-triggers-name-every-schema.md).
CREATE OR REPLACE FUNCTION events.record_insert_public_customer() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
AS $function$
BEGIN
    INSERT INTO events.outbox
        (type, topic, ordering_key, lane, subject, data, session_variables, traceparent, trace_id)
    VALUES (
        'customer.inserted',
        'customer-events',
        NEW.id::pg_catalog.text,
        events.lane_of(NEW.id::pg_catalog.text),
        NEW.id::pg_catalog.text,
        pg_catalog.to_jsonb(ROW(
            'INSERT',
            '{"schema": "public", "name": "customer"}'::pg_catalog.jsonb,
            ROW(
                NULL,
                ROW(
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
                )::events.row_of_public_customer
            )::events.rows_of_public_customer,
            events.session_variables()
        )::events.insert_of_public_customer),
        events.session_variables(),
        events.traceparent(),
        events.trace_id(events.traceparent())
    );
    INSERT INTO events.waiting (lane, sequence, attempts)
    VALUES (
        events.lane_of(NEW.id::pg_catalog.text),
        pg_catalog.currval('events.outbox_sequence_seq'),
        CASE WHEN events.somebody_waits() THEN events.announce_events() ELSE 0 END
    );
    RETURN NULL;
END;
$function$;

-- Writes the event of a row of public.customer that was updated, in the transaction of the change. There is no IF in it:
-- PL/pgSQL prepares a condition anew in every transaction, at half the price of an entry in an index. Nor does it set a
-- search path, which costs twice that: every name in it is written out with its schema, operators and types too
-- (docs/decisions/row-triggers-name-every-schema.md).
CREATE OR REPLACE FUNCTION events.record_update_public_customer() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
AS $function$
BEGIN
    INSERT INTO events.outbox
        (type, topic, ordering_key, lane, subject, data, session_variables, traceparent, trace_id)
    VALUES (
        'customer.updated',
        'customer-events',
        NEW.id::pg_catalog.text,
        events.lane_of(NEW.id::pg_catalog.text),
        NEW.id::pg_catalog.text,
        pg_catalog.to_jsonb(ROW(
            'UPDATE',
            '{"schema": "public", "name": "customer"}'::pg_catalog.jsonb,
            ROW(
                ROW(
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
                )::events.row_of_public_customer,
                ROW(
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
                )::events.row_of_public_customer
            )::events.rows_of_public_customer,
            pg_catalog.to_jsonb(pg_catalog.array_remove(ARRAY[
                CASE
                    WHEN OLD.firebase_uid OPERATOR(pg_catalog.=) NEW.firebase_uid THEN NULL
                    WHEN OLD.firebase_uid IS NULL AND NEW.firebase_uid IS NULL THEN NULL
                    ELSE 'firebase_uid'
                END,
                CASE
                    WHEN OLD.chargebee_customer_id OPERATOR(pg_catalog.=) NEW.chargebee_customer_id THEN NULL
                    WHEN OLD.chargebee_customer_id IS NULL AND NEW.chargebee_customer_id IS NULL THEN NULL
                    ELSE 'chargebee_customer_id'
                END,
                CASE
                    WHEN OLD.zendesk_user_id OPERATOR(pg_catalog.=) NEW.zendesk_user_id THEN NULL
                    WHEN OLD.zendesk_user_id IS NULL AND NEW.zendesk_user_id IS NULL THEN NULL
                    ELSE 'zendesk_user_id'
                END,
                CASE
                    WHEN OLD.email OPERATOR(pg_catalog.=) NEW.email THEN NULL
                    WHEN OLD.email IS NULL AND NEW.email IS NULL THEN NULL
                    ELSE 'email'
                END,
                CASE
                    WHEN OLD.first_name OPERATOR(pg_catalog.=) NEW.first_name THEN NULL
                    WHEN OLD.first_name IS NULL AND NEW.first_name IS NULL THEN NULL
                    ELSE 'first_name'
                END,
                CASE
                    WHEN OLD.last_name OPERATOR(pg_catalog.=) NEW.last_name THEN NULL
                    WHEN OLD.last_name IS NULL AND NEW.last_name IS NULL THEN NULL
                    ELSE 'last_name'
                END,
                CASE
                    WHEN OLD.phone OPERATOR(pg_catalog.=) NEW.phone THEN NULL
                    WHEN OLD.phone IS NULL AND NEW.phone IS NULL THEN NULL
                    ELSE 'phone'
                END,
                CASE
                    WHEN OLD.date_of_birth OPERATOR(pg_catalog.=) NEW.date_of_birth THEN NULL
                    WHEN OLD.date_of_birth IS NULL AND NEW.date_of_birth IS NULL THEN NULL
                    ELSE 'date_of_birth'
                END,
                CASE
                    WHEN OLD.address_line1 OPERATOR(pg_catalog.=) NEW.address_line1 THEN NULL
                    WHEN OLD.address_line1 IS NULL AND NEW.address_line1 IS NULL THEN NULL
                    ELSE 'address_line1'
                END,
                CASE
                    WHEN OLD.address_line2 OPERATOR(pg_catalog.=) NEW.address_line2 THEN NULL
                    WHEN OLD.address_line2 IS NULL AND NEW.address_line2 IS NULL THEN NULL
                    ELSE 'address_line2'
                END,
                CASE
                    WHEN OLD.city OPERATOR(pg_catalog.=) NEW.city THEN NULL
                    WHEN OLD.city IS NULL AND NEW.city IS NULL THEN NULL
                    ELSE 'city'
                END,
                CASE
                    WHEN OLD.state_code OPERATOR(pg_catalog.=) NEW.state_code THEN NULL
                    WHEN OLD.state_code IS NULL AND NEW.state_code IS NULL THEN NULL
                    ELSE 'state_code'
                END,
                CASE
                    WHEN OLD.zip OPERATOR(pg_catalog.=) NEW.zip THEN NULL
                    WHEN OLD.zip IS NULL AND NEW.zip IS NULL THEN NULL
                    ELSE 'zip'
                END,
                CASE
                    WHEN OLD.country OPERATOR(pg_catalog.=) NEW.country THEN NULL
                    WHEN OLD.country IS NULL AND NEW.country IS NULL THEN NULL
                    ELSE 'country'
                END,
                CASE
                    WHEN OLD.timezone OPERATOR(pg_catalog.=) NEW.timezone THEN NULL
                    WHEN OLD.timezone IS NULL AND NEW.timezone IS NULL THEN NULL
                    ELSE 'timezone'
                END,
                CASE
                    WHEN OLD.currency_code OPERATOR(pg_catalog.=) NEW.currency_code THEN NULL
                    WHEN OLD.currency_code IS NULL AND NEW.currency_code IS NULL THEN NULL
                    ELSE 'currency_code'
                END,
                CASE
                    WHEN OLD.lifetime_value OPERATOR(pg_catalog.=) NEW.lifetime_value THEN NULL
                    WHEN OLD.lifetime_value IS NULL AND NEW.lifetime_value IS NULL THEN NULL
                    ELSE 'lifetime_value'
                END,
                CASE
                    WHEN OLD.email_opt_out OPERATOR(pg_catalog.=) NEW.email_opt_out THEN NULL
                    WHEN OLD.email_opt_out IS NULL AND NEW.email_opt_out IS NULL THEN NULL
                    ELSE 'email_opt_out'
                END,
                CASE
                    WHEN OLD.sms_opt_out OPERATOR(pg_catalog.=) NEW.sms_opt_out THEN NULL
                    WHEN OLD.sms_opt_out IS NULL AND NEW.sms_opt_out IS NULL THEN NULL
                    ELSE 'sms_opt_out'
                END,
                CASE
                    WHEN OLD.quiet_hours_start OPERATOR(pg_catalog.=) NEW.quiet_hours_start THEN NULL
                    WHEN OLD.quiet_hours_start IS NULL AND NEW.quiet_hours_start IS NULL THEN NULL
                    ELSE 'quiet_hours_start'
                END,
                CASE
                    WHEN OLD.quiet_hours_end OPERATOR(pg_catalog.=) NEW.quiet_hours_end THEN NULL
                    WHEN OLD.quiet_hours_end IS NULL AND NEW.quiet_hours_end IS NULL THEN NULL
                    ELSE 'quiet_hours_end'
                END,
                CASE
                    WHEN OLD.deleted_at OPERATOR(pg_catalog.=) NEW.deleted_at THEN NULL
                    WHEN OLD.deleted_at IS NULL AND NEW.deleted_at IS NULL THEN NULL
                    ELSE 'deleted_at'
                END
            ], NULL)),
            events.session_variables()
        )::events.update_of_public_customer),
        events.session_variables(),
        events.traceparent(),
        events.trace_id(events.traceparent())
    );
    INSERT INTO events.waiting (lane, sequence, attempts)
    VALUES (
        events.lane_of(NEW.id::pg_catalog.text),
        pg_catalog.currval('events.outbox_sequence_seq'),
        CASE WHEN events.somebody_waits() THEN events.announce_events() ELSE 0 END
    );
    RETURN NULL;
END;
$function$;

-- Writes the event of a row of healthcare.prescription that was inserted, in the transaction of the change. There is no IF in it:
-- PL/pgSQL prepares a condition anew in every transaction, at half the price of an entry in an index. Nor does it set a
-- search path, which costs twice that: every name in it is written out with its schema, operators and types too
-- (docs/decisions/row-triggers-name-every-schema.md).
CREATE OR REPLACE FUNCTION events.record_insert_healthcare_prescription() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
AS $function$
BEGIN
    INSERT INTO events.outbox
        (type, topic, ordering_key, lane, subject, data, session_variables, traceparent, trace_id)
    VALUES (
        'prescription.inserted',
        'prescription-events',
        NEW.id::pg_catalog.text,
        events.lane_of(NEW.id::pg_catalog.text),
        NEW.id::pg_catalog.text,
        pg_catalog.to_jsonb(ROW(
            'INSERT',
            '{"schema": "healthcare", "name": "prescription"}'::pg_catalog.jsonb,
            ROW(
                NULL,
                ROW(
                    NEW.id,
                    NEW.patient_id,
                    NEW.requester_id,
                    NEW.contract_id,
                    NEW.pharmacy_id,
                    NEW.status,
                    NEW.created_at,
                    NEW.updated_at
                )::events.row_of_healthcare_prescription
            )::events.rows_of_healthcare_prescription,
            events.session_variables()
        )::events.insert_of_healthcare_prescription),
        events.session_variables(),
        events.traceparent(),
        events.trace_id(events.traceparent())
    );
    INSERT INTO events.waiting (lane, sequence, attempts)
    VALUES (
        events.lane_of(NEW.id::pg_catalog.text),
        pg_catalog.currval('events.outbox_sequence_seq'),
        CASE WHEN events.somebody_waits() THEN events.announce_events() ELSE 0 END
    );
    RETURN NULL;
END;
$function$;

-- Writes the event of a row of healthcare.prescription that was updated, in the transaction of the change. There is no IF in it:
-- PL/pgSQL prepares a condition anew in every transaction, at half the price of an entry in an index. Nor does it set a
-- search path, which costs twice that: every name in it is written out with its schema, operators and types too
-- (docs/decisions/row-triggers-name-every-schema.md).
CREATE OR REPLACE FUNCTION events.record_update_healthcare_prescription() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
AS $function$
BEGIN
    INSERT INTO events.outbox
        (type, topic, ordering_key, lane, subject, data, session_variables, traceparent, trace_id)
    VALUES (
        'prescription.updated',
        'prescription-events',
        NEW.id::pg_catalog.text,
        events.lane_of(NEW.id::pg_catalog.text),
        NEW.id::pg_catalog.text,
        pg_catalog.to_jsonb(ROW(
            'UPDATE',
            '{"schema": "healthcare", "name": "prescription"}'::pg_catalog.jsonb,
            ROW(
                ROW(
                    OLD.id,
                    OLD.patient_id,
                    OLD.requester_id,
                    OLD.contract_id,
                    OLD.pharmacy_id,
                    OLD.status,
                    OLD.created_at,
                    OLD.updated_at
                )::events.row_of_healthcare_prescription,
                ROW(
                    NEW.id,
                    NEW.patient_id,
                    NEW.requester_id,
                    NEW.contract_id,
                    NEW.pharmacy_id,
                    NEW.status,
                    NEW.created_at,
                    NEW.updated_at
                )::events.row_of_healthcare_prescription
            )::events.rows_of_healthcare_prescription,
            pg_catalog.to_jsonb(pg_catalog.array_remove(ARRAY[
                CASE
                    WHEN OLD.requester_id OPERATOR(pg_catalog.=) NEW.requester_id THEN NULL
                    WHEN OLD.requester_id IS NULL AND NEW.requester_id IS NULL THEN NULL
                    ELSE 'requester_id'
                END,
                CASE
                    WHEN OLD.contract_id OPERATOR(pg_catalog.=) NEW.contract_id THEN NULL
                    WHEN OLD.contract_id IS NULL AND NEW.contract_id IS NULL THEN NULL
                    ELSE 'contract_id'
                END,
                CASE
                    WHEN OLD.pharmacy_id OPERATOR(pg_catalog.=) NEW.pharmacy_id THEN NULL
                    WHEN OLD.pharmacy_id IS NULL AND NEW.pharmacy_id IS NULL THEN NULL
                    ELSE 'pharmacy_id'
                END,
                CASE
                    WHEN OLD.status OPERATOR(pg_catalog.=) NEW.status THEN NULL
                    WHEN OLD.status IS NULL AND NEW.status IS NULL THEN NULL
                    ELSE 'status'
                END,
                CASE
                    WHEN OLD.refills_remaining OPERATOR(pg_catalog.=) NEW.refills_remaining THEN NULL
                    WHEN OLD.refills_remaining IS NULL AND NEW.refills_remaining IS NULL THEN NULL
                    ELSE 'refills_remaining'
                END,
                CASE
                    WHEN OLD.refill_due_on OPERATOR(pg_catalog.=) NEW.refill_due_on THEN NULL
                    WHEN OLD.refill_due_on IS NULL AND NEW.refill_due_on IS NULL THEN NULL
                    ELSE 'refill_due_on'
                END,
                CASE
                    WHEN OLD.refill_requested_at OPERATOR(pg_catalog.=) NEW.refill_requested_at THEN NULL
                    WHEN OLD.refill_requested_at IS NULL AND NEW.refill_requested_at IS NULL THEN NULL
                    ELSE 'refill_requested_at'
                END,
                CASE
                    WHEN OLD.signed_at OPERATOR(pg_catalog.=) NEW.signed_at THEN NULL
                    WHEN OLD.signed_at IS NULL AND NEW.signed_at IS NULL THEN NULL
                    ELSE 'signed_at'
                END,
                CASE
                    WHEN OLD.valid_until OPERATOR(pg_catalog.=) NEW.valid_until THEN NULL
                    WHEN OLD.valid_until IS NULL AND NEW.valid_until IS NULL THEN NULL
                    ELSE 'valid_until'
                END
            ], NULL)),
            events.session_variables()
        )::events.update_of_healthcare_prescription),
        events.session_variables(),
        events.traceparent(),
        events.trace_id(events.traceparent())
    );
    INSERT INTO events.waiting (lane, sequence, attempts)
    VALUES (
        events.lane_of(NEW.id::pg_catalog.text),
        pg_catalog.currval('events.outbox_sequence_seq'),
        CASE WHEN events.somebody_waits() THEN events.announce_events() ELSE 0 END
    );
    RETURN NULL;
END;
$function$;

-- Writes the event of a row of public.message that was inserted, in the transaction of the change. There is no IF in it:
-- PL/pgSQL prepares a condition anew in every transaction, at half the price of an entry in an index. Nor does it set a
-- search path, which costs twice that: every name in it is written out with its schema, operators and types too
-- (docs/decisions/row-triggers-name-every-schema.md).
CREATE OR REPLACE FUNCTION events.record_insert_public_message() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
AS $function$
DECLARE
    aggregate_id pg_catalog.text;
BEGIN
    SELECT t.customer_id INTO STRICT aggregate_id
    FROM public.message_thread AS t WHERE t.id OPERATOR(pg_catalog.=) NEW.thread_id;
    -- Keeps the order of the key: see events.publish.
    PERFORM FROM public.customer AS a WHERE a.id OPERATOR(pg_catalog.=) aggregate_id::pg_catalog.uuid FOR NO KEY UPDATE;
    INSERT INTO events.outbox
        (type, topic, ordering_key, lane, subject, data, session_variables, traceparent, trace_id)
    VALUES (
        'message.sent',
        'customer-events',
        aggregate_id,
        events.lane_of(aggregate_id),
        aggregate_id,
        pg_catalog.to_jsonb(ROW(
            NEW.id,
            NEW.thread_id,
            NEW.sender_customer_id,
            NEW.sender_staff_id,
            aggregate_id
        )::events.data_of_public_message),
        events.session_variables(),
        events.traceparent(),
        events.trace_id(events.traceparent())
    );
    INSERT INTO events.waiting (lane, sequence, attempts)
    VALUES (
        events.lane_of(aggregate_id),
        pg_catalog.currval('events.outbox_sequence_seq'),
        CASE WHEN events.somebody_waits() THEN events.announce_events() ELSE 0 END
    );
    RETURN NULL;
END;
$function$;

-- Writes the event of a row of public.support_ticket that was inserted, in the transaction of the change. There is no IF in it:
-- PL/pgSQL prepares a condition anew in every transaction, at half the price of an entry in an index. Nor does it set a
-- search path, which costs twice that: every name in it is written out with its schema, operators and types too
-- (docs/decisions/row-triggers-name-every-schema.md).
CREATE OR REPLACE FUNCTION events.record_insert_public_support_ticket() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
AS $function$
DECLARE
    aggregate_id pg_catalog.text;
BEGIN
    SELECT t.customer_id INTO STRICT aggregate_id
    FROM public.support_ticket AS t WHERE t.id OPERATOR(pg_catalog.=) NEW.id;
    -- Keeps the order of the key: see events.publish.
    PERFORM FROM public.customer AS a WHERE a.id OPERATOR(pg_catalog.=) aggregate_id::pg_catalog.uuid FOR NO KEY UPDATE;
    INSERT INTO events.outbox
        (type, topic, ordering_key, lane, subject, data, session_variables, traceparent, trace_id)
    VALUES (
        'ticket.inserted',
        'customer-events',
        aggregate_id,
        events.lane_of(aggregate_id),
        aggregate_id,
        pg_catalog.to_jsonb(ROW(
            'INSERT',
            '{"schema": "public", "name": "support_ticket"}'::pg_catalog.jsonb,
            ROW(
                NULL,
                ROW(
                    NEW.id,
                    NEW.customer_id,
                    NEW.zendesk_ticket_id,
                    NEW.category,
                    NEW.status,
                    NEW.priority,
                    NEW.invoice_id,
                    NEW.created_at,
                    NEW.updated_at
                )::events.row_of_public_support_ticket
            )::events.rows_of_public_support_ticket,
            events.session_variables()
        )::events.insert_of_public_support_ticket),
        events.session_variables(),
        events.traceparent(),
        events.trace_id(events.traceparent())
    );
    INSERT INTO events.waiting (lane, sequence, attempts)
    VALUES (
        events.lane_of(aggregate_id),
        pg_catalog.currval('events.outbox_sequence_seq'),
        CASE WHEN events.somebody_waits() THEN events.announce_events() ELSE 0 END
    );
    RETURN NULL;
END;
$function$;

-- Writes the event of a row of public.support_ticket that was updated, in the transaction of the change. There is no IF in it:
-- PL/pgSQL prepares a condition anew in every transaction, at half the price of an entry in an index. Nor does it set a
-- search path, which costs twice that: every name in it is written out with its schema, operators and types too
-- (docs/decisions/row-triggers-name-every-schema.md).
CREATE OR REPLACE FUNCTION events.record_update_public_support_ticket() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
AS $function$
DECLARE
    aggregate_id pg_catalog.text;
BEGIN
    SELECT t.customer_id INTO STRICT aggregate_id
    FROM public.support_ticket AS t WHERE t.id OPERATOR(pg_catalog.=) NEW.id;
    -- Keeps the order of the key: see events.publish.
    PERFORM FROM public.customer AS a WHERE a.id OPERATOR(pg_catalog.=) aggregate_id::pg_catalog.uuid FOR NO KEY UPDATE;
    INSERT INTO events.outbox
        (type, topic, ordering_key, lane, subject, data, session_variables, traceparent, trace_id)
    VALUES (
        'ticket.updated',
        'customer-events',
        aggregate_id,
        events.lane_of(aggregate_id),
        aggregate_id,
        pg_catalog.to_jsonb(ROW(
            'UPDATE',
            '{"schema": "public", "name": "support_ticket"}'::pg_catalog.jsonb,
            ROW(
                ROW(
                    OLD.id,
                    OLD.customer_id,
                    OLD.zendesk_ticket_id,
                    OLD.category,
                    OLD.status,
                    OLD.priority,
                    OLD.invoice_id,
                    OLD.created_at,
                    OLD.updated_at
                )::events.row_of_public_support_ticket,
                ROW(
                    NEW.id,
                    NEW.customer_id,
                    NEW.zendesk_ticket_id,
                    NEW.category,
                    NEW.status,
                    NEW.priority,
                    NEW.invoice_id,
                    NEW.created_at,
                    NEW.updated_at
                )::events.row_of_public_support_ticket
            )::events.rows_of_public_support_ticket,
            pg_catalog.to_jsonb(pg_catalog.array_remove(ARRAY[
                CASE
                    WHEN OLD.subject OPERATOR(pg_catalog.=) NEW.subject THEN NULL
                    WHEN OLD.subject IS NULL AND NEW.subject IS NULL THEN NULL
                    ELSE 'subject'
                END,
                CASE
                    WHEN OLD.status OPERATOR(pg_catalog.=) NEW.status THEN NULL
                    WHEN OLD.status IS NULL AND NEW.status IS NULL THEN NULL
                    ELSE 'status'
                END,
                CASE
                    WHEN OLD.priority OPERATOR(pg_catalog.=) NEW.priority THEN NULL
                    WHEN OLD.priority IS NULL AND NEW.priority IS NULL THEN NULL
                    ELSE 'priority'
                END
            ], NULL)),
            events.session_variables()
        )::events.update_of_public_support_ticket),
        events.session_variables(),
        events.traceparent(),
        events.trace_id(events.traceparent())
    );
    INSERT INTO events.waiting (lane, sequence, attempts)
    VALUES (
        events.lane_of(aggregate_id),
        pg_catalog.currval('events.outbox_sequence_seq'),
        CASE WHEN events.somebody_waits() THEN events.announce_events() ELSE 0 END
    );
    RETURN NULL;
END;
$function$;

-- Writes the event of a row of public.support_ticket_comment that was inserted, in the transaction of the change. There is no IF in it:
-- PL/pgSQL prepares a condition anew in every transaction, at half the price of an entry in an index. Nor does it set a
-- search path, which costs twice that: every name in it is written out with its schema, operators and types too
-- (docs/decisions/row-triggers-name-every-schema.md).
CREATE OR REPLACE FUNCTION events.record_insert_public_support_ticket_comment() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
AS $function$
DECLARE
    aggregate_id pg_catalog.text;
BEGIN
    SELECT t.customer_id INTO STRICT aggregate_id
    FROM public.support_ticket AS t WHERE t.id OPERATOR(pg_catalog.=) NEW.ticket_id;
    -- Keeps the order of the key: see events.publish.
    PERFORM FROM public.customer AS a WHERE a.id OPERATOR(pg_catalog.=) aggregate_id::pg_catalog.uuid FOR NO KEY UPDATE;
    INSERT INTO events.outbox
        (type, topic, ordering_key, lane, subject, data, session_variables, traceparent, trace_id)
    VALUES (
        'ticket.commented',
        'customer-events',
        aggregate_id,
        events.lane_of(aggregate_id),
        aggregate_id,
        pg_catalog.to_jsonb(ROW(
            NEW.id,
            NEW.ticket_id,
            NEW.author,
            NEW.public,
            NEW.zendesk_comment_id,
            aggregate_id
        )::events.data_of_public_support_ticket_comment),
        events.session_variables(),
        events.traceparent(),
        events.trace_id(events.traceparent())
    );
    INSERT INTO events.waiting (lane, sequence, attempts)
    VALUES (
        events.lane_of(aggregate_id),
        pg_catalog.currval('events.outbox_sequence_seq'),
        CASE WHEN events.somebody_waits() THEN events.announce_events() ELSE 0 END
    );
    RETURN NULL;
END;
$function$;
