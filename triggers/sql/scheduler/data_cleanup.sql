-- One piece of the clean-up, at most 10,000 rows of a kind, as JSON: how many of each, and whether there is `more`.
--
-- Events leave the outbox for its archive after 90 days, and the archive after two years with what agents made of them.
-- Those that wait or have an open dead letter stay where they are. An inbox entry outlives its event, so that a late
-- replay finds it. Access to health data is kept for seven years, and what law had us keep of deleted customers for ten.
WITH old_events AS MATERIALIZED (
    SELECT o.id
    FROM events.outbox AS o
    WHERE o.created_at < now() - interval '90 days'
        AND EXISTS (SELECT FROM events.publication AS p WHERE p.sequence = o.sequence)
        AND NOT EXISTS (
            SELECT FROM events.dead_letter AS d
            WHERE d.event_id = coalesce(o.replay_of, o.id) AND d.resolved_at IS NULL
        )
    LIMIT 10000
),
moved AS (
    DELETE FROM events.outbox AS o USING old_events AS e WHERE o.id = e.id RETURNING o.*
),
archived AS (
    INSERT INTO events.outbox_archive (
        id, sequence, type, topic, ordering_key, subject, source, data, session_variables, traceparent, replay_of,
        replay_to, created_at, published_at, message_id, attempts, last_error, dead_lettered_at
    )
    SELECT
        m.id, m.sequence, m.type, m.topic, m.ordering_key, m.subject, m.source, m.data, m.session_variables, m.traceparent,
        m.replay_of, m.replay_to, m.created_at, p.published_at, p.message_id, p.attempts, p.last_error, p.dead_lettered_at
    FROM moved AS m
    -- Which goes with its event.
    JOIN events.publication AS p ON p.sequence = m.sequence
    RETURNING 1
),
old_archived AS MATERIALIZED (
    SELECT a.id
    FROM events.outbox_archive AS a
    WHERE a.created_at < now() - interval '2 years'
        AND NOT EXISTS (
            SELECT FROM events.dead_letter AS d
            WHERE d.event_id = coalesce(a.replay_of, a.id) AND d.resolved_at IS NULL
        )
    LIMIT 10000
),
events_gone AS (
    DELETE FROM events.outbox_archive AS a USING old_archived AS o WHERE a.id = o.id RETURNING 1
),
old_deliveries AS MATERIALIZED (
    SELECT d.id FROM events.delivery AS d WHERE d.started_at < now() - interval '2 years' LIMIT 10000
),
deliveries_gone AS (
    DELETE FROM events.delivery AS d USING old_deliveries AS o WHERE d.id = o.id RETURNING 1
),
old_inbox AS MATERIALIZED (
    SELECT i.agent, i.event_id
    FROM events.inbox AS i
    WHERE i.processed_at < now() - interval '3 years'
    LIMIT 10000
),
inbox_gone AS (
    DELETE FROM events.inbox AS i USING old_inbox AS o WHERE (i.agent, i.event_id) = (o.agent, o.event_id) RETURNING 1
),
old_runs AS MATERIALIZED (
    SELECT r.id
    FROM events.cron_run AS r
    WHERE r.started_at < now() - CASE WHEN r.outcome = 'done' THEN interval '7 days' ELSE interval '180 days' END
        AND r.outcome <> 'running'
    LIMIT 10000
),
runs_gone AS (
    DELETE FROM events.cron_run AS r USING old_runs AS o WHERE r.id = o.id RETURNING 1
),
-- Leases of processes that are long gone; tokens are nowhere in the database.
watches_gone AS (
    DELETE FROM events.live_watch AS w WHERE w.until < now() - interval '1 day' RETURNING 1
),
gone AS (
    SELECT
        (SELECT count(*) FROM archived) AS archived,
        (SELECT count(*) FROM events_gone) AS events,
        (SELECT count(*) FROM deliveries_gone) AS deliveries,
        (SELECT count(*) FROM inbox_gone) AS inbox,
        (SELECT count(*) FROM runs_gone) AS runs,
        (SELECT count(*) FROM watches_gone) AS watches,
        audit.forget_accesses(interval '7 years') AS accesses,
        audit.remove_kept_records(interval '10 years', 20) AS persons
)
SELECT (
    to_jsonb(g) || jsonb_build_object(
        'more', 10000 IN (g.archived, g.events, g.deliveries, g.inbox, g.runs) OR g.persons = 20
    )
)::text
FROM gone AS g
