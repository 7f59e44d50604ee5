-- Every event, whether it still lies in the outbox or in its archive. Columns one by one: the archive has one more.
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

-- Scheduled work goes on in the trace of the mutation that planned it.
CREATE FUNCTION events.note_trace() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    NEW.traceparent := nullif(current_setting('app.traceparent', true), '');
    RETURN NEW;
END;
$function$;

COMMENT ON FUNCTION events.note_trace() IS 'Notes the trace of the request that inserts a row.';

CREATE TRIGGER note_trace BEFORE INSERT ON events.scheduled_task
FOR EACH ROW WHEN (NEW.traceparent IS NULL) EXECUTE FUNCTION events.note_trace();

DROP FUNCTION events.replay(uuid[], boolean);

-- Puts events into the outbox once more, in their old order, and settles their dead letters. Normally the copies carry
-- the id of the original (`replay_of`), so that an agent that has handled it does nothing; `again` gives them new ids,
-- and every agent handles them as new events.
--
-- With `to_agent` the copies are for that agent alone, the others pass over them, and only its dead letters are settled.
-- `again` then lets it forget that it has handled the events; the copies keep their ids.
CREATE FUNCTION events.replay(event_ids uuid[], again boolean DEFAULT false, to_agent text DEFAULT NULL)
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

-- It runs with its owner's rights, so who may call it is granted by name.
REVOKE EXECUTE ON FUNCTION events.replay(uuid[], boolean, text) FROM PUBLIC;
