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
    IF octet_length(event_data::text) > {{max_data_bytes}} THEN
        RAISE EXCEPTION 'the data of event type "%" has % bytes, Pub/Sub takes {{max_data_bytes}}',
            event_type, octet_length(event_data::text)
            USING ERRCODE = 'program_limit_exceeded', HINT = 'Send an id and let the agent read the rest.';
    END IF;
    -- A UUID may be spelt in several ways, an ordering key in one.
    CASE event_type
{{types}}
        ELSE
            RAISE EXCEPTION 'there is no event type "%" that can be published', event_type
                USING ERRCODE = 'invalid_parameter_value', HINT = '{{hint}}';
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
        {{wait}}
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

-- It runs with its owner's rights, so who may call it is granted by name.
REVOKE EXECUTE ON FUNCTION events.publish(text, text, jsonb, uuid, jsonb, text) FROM PUBLIC;
