DROP FUNCTION events.replay(uuid[], boolean, text);
DROP VIEW events.history;

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
