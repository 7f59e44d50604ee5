-- What became of every change: one row of counts.
--
-- `chaos.change` has a row for each change that was committed, written in the change's own transaction. An event must be
-- there for each, and in the inbox of every agent that listens. An agent writes a delivery `done` or `skipped` in the
-- transaction of its effect: two of them for one event are an effect that was had twice. Among the events of one key,
-- an effect that an agent had before that of an earlier event is an order violation.
WITH listens (type, agent) AS (
    VALUES
        ('prescription.updated', 'prescription'),
        ('contract.updated', 'contract'),
        ('contract.updated', 'chargebee'),
        ('customer.updated', 'chargebee'),
        ('customer.updated', 'zendesk'),
        ('customer.updated', 'identity'),
        ('customer.updated', 'referral')
),
event AS (
    SELECT o.id, o.type, o.subject, o.sequence
    FROM events.outbox AS o
    WHERE o.subject IN (SELECT c.key FROM chaos.change AS c)
        AND o.type IN (SELECT l.type FROM listens AS l)
        -- Without those that agents bring about: a customer's id in Zendesk, say.
        AND o.data -> 'changed' ?| ARRAY['auto_renew', 'phone', 'valid_until']
),
effect AS (
    SELECT
        e.id,
        e.subject,
        e.sequence,
        l.agent,
        count(d.id) AS times,
        min(d.finished_at) AS first_at,
        EXISTS (SELECT FROM events.inbox AS i WHERE i.agent = l.agent AND i.event_id = e.id) AS handled
    FROM event AS e
    JOIN listens AS l ON l.type = e.type
    LEFT JOIN events.delivery AS d ON d.event_id = e.id AND d.agent = l.agent AND d.outcome IN ('done', 'skipped')
    GROUP BY e.id, e.subject, e.sequence, l.agent
),
in_order AS (
    SELECT f.first_at < lag(f.first_at) OVER (PARTITION BY f.agent, f.subject ORDER BY f.sequence) AS violates
    FROM effect AS f
),
changes_of_key AS (
    SELECT c.key, count(*) AS changes FROM chaos.change AS c GROUP BY c.key
),
events_of_key AS (
    SELECT e.subject AS key, count(*) AS events FROM event AS e GROUP BY e.subject
),
handled AS (
    SELECT f.agent, count(*) AS events FROM effect AS f WHERE f.handled GROUP BY f.agent
)
SELECT
    (SELECT count(*) FROM chaos.change) AS changes,
    (SELECT count(*) FROM event) AS events,
    (
        SELECT coalesce(sum(abs(k.changes - coalesce(e.events, 0))), 0)
        FROM changes_of_key AS k
        LEFT JOIN events_of_key AS e ON e.key = k.key
    )::bigint AS without_event,
    (SELECT count(*) FROM effect AS f WHERE NOT f.handled) AS unhandled,
    (SELECT coalesce(json_object_agg(h.agent, h.events ORDER BY h.agent), '{}') FROM handled AS h)::text AS handled,
    (SELECT count(*) FROM effect AS f WHERE f.times > 1) AS repeated,
    (SELECT count(*) FROM in_order AS o WHERE o.violates) AS out_of_order,
    (SELECT count(*) FROM events.delivery AS d WHERE d.outcome = 'duplicate') AS duplicates,
    (SELECT count(*) FROM events.dead_letter AS d WHERE d.event_id IN (SELECT e.id FROM event AS e)) AS dead_letters,
    (
        -- Of this run: the demonstration data has dead letters of its own, for operators to look at.
        SELECT string_agg(DISTINCT d.agent || ': ' || d.reason, '; ')
        FROM events.dead_letter AS d
        WHERE d.created_at >= (SELECT min(o.created_at) FROM events.outbox AS o WHERE o.id IN (SELECT e.id FROM event AS e))
    ) AS reasons
