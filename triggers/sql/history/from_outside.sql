-- Events that were given up and that neither the outbox nor its archive has, since they came from outside (webhooks,
-- scheduled tasks, messages that are none of ours), newest first: $1 ids, settled ones included, or null for all that
-- are open; $2 types, $3 key, $4 from, $5 to (exclusive), $6 how many; null means any. What is known of one is what its
-- newest dead letter kept of it: a relay's has the envelope's fields, an agent's the attributes that came with it.
WITH letter AS (
    SELECT
        d.event_id,
        d.created_at,
        d.attempts,
        d.reason,
        d.event,
        coalesce(
            d.event ->> 'type',
            d.event #>> '{attributes,ce-type}',
            d.event #>> '{attributes,source}' || '.webhook',
            d.event #>> '{attributes,kind}',
            'unknown'
        ) AS type,
        coalesce(
            d.event ->> 'subject',
            d.event #>> '{attributes,ce-subject}',
            -- The outside event's own type, and a scheduled task's name.
            d.event #>> '{attributes,type}',
            d.event #>> '{attributes,name}',
            ''
        ) AS subject,
        coalesce(
            d.event ->> 'source',
            d.event #>> '{attributes,ce-source}',
            '/webhooks/' || (d.event #>> '{attributes,source}')
        ) AS source,
        coalesce(d.event ->> 'traceparent', d.event #>> '{attributes,traceparent}') AS traceparent,
        jsonb_object_agg(d.agent, 'dead_letter') OVER (PARTITION BY d.event_id) AS outcomes
    FROM events.dead_letter AS d
    WHERE ($1::uuid[] IS NULL OR d.event_id = ANY ($1::uuid[]))
        AND ($1::uuid[] IS NOT NULL OR d.resolved_at IS NULL)
        AND NOT EXISTS (SELECT FROM events.outbox AS o WHERE o.id = d.event_id)
        AND NOT EXISTS (SELECT FROM events.outbox_archive AS o WHERE o.id = d.event_id)
),
newest AS (
    SELECT DISTINCT ON (l.event_id) l.*
    FROM letter AS l
    ORDER BY l.event_id, l.created_at DESC
)
SELECT
    n.event_id,
    n.type,
    n.subject,
    n.source,
    n.traceparent,
    n.created_at,
    n.attempts,
    n.reason,
    n.outcomes::text AS outcomes,
    -- A list has no use for it, and it can be large.
    CASE WHEN $1::uuid[] IS NOT NULL THEN n.event::text END AS event
FROM newest AS n
WHERE ($2::text[] IS NULL OR n.type = ANY ($2::text[]))
    AND ($3::text IS NULL OR n.subject = $3::text)
    AND ($4::timestamptz IS NULL OR n.created_at >= $4::timestamptz)
    AND ($5::timestamptz IS NULL OR n.created_at < $5::timestamptz)
ORDER BY n.created_at DESC
LIMIT $6::bigint
