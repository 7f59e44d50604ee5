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
        SELECT c.lane, c.sequence, {{announced}} FROM copy AS c
    )
    SELECT o.id, c.id, c.sequence
    FROM copy AS c
    JOIN original AS o ON o.copy_id = c.id
    ORDER BY c.sequence;
END;
$function$;

-- It runs with its owner's rights, so who may call it is granted by name.
REVOKE EXECUTE ON FUNCTION events.replay(uuid[], boolean, text) FROM PUBLIC;
