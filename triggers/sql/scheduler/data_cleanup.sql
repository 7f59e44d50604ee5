-- Removes what is older than its time of keeping. Events that wait or have an open dead letter stay; an inbox entry
-- outlives its event, so that a late replay finds it. Access to health data is kept for seven years.
WITH events_gone AS (
    DELETE FROM events.outbox AS o
    WHERE o.created_at < now() - interval '180 days'
        AND (o.published_at IS NOT NULL OR o.dead_lettered_at IS NOT NULL)
        AND NOT EXISTS (SELECT FROM events.dead_letter AS d WHERE d.event_id = o.id AND d.resolved_at IS NULL)
    RETURNING 1
),
deliveries_gone AS (
    DELETE FROM events.delivery AS d WHERE d.started_at < now() - interval '180 days' RETURNING 1
),
inbox_gone AS (
    DELETE FROM events.inbox AS i WHERE i.processed_at < now() - interval '365 days' RETURNING 1
),
runs_gone AS (
    DELETE FROM events.cron_run AS r
    WHERE r.started_at < now() - CASE WHEN r.outcome = 'done' THEN interval '7 days' ELSE interval '180 days' END
        AND r.outcome <> 'running'
    RETURNING 1
),
accesses_gone AS (
    DELETE FROM audit.access AS a WHERE a.created_at < now() - interval '7 years' RETURNING 1
)
SELECT jsonb_build_object(
    'events', (SELECT count(*) FROM events_gone),
    'deliveries', (SELECT count(*) FROM deliveries_gone),
    'inbox', (SELECT count(*) FROM inbox_gone),
    'runs', (SELECT count(*) FROM runs_gone),
    'accesses', (SELECT count(*) FROM accesses_gone)
)::text
