-- What became of every change: one row of counts.
--
-- `chaos.change` has a row for each change that was committed, written in the change's own transaction. An event must be
-- there for each, and in the inbox of the agent that listens. The agent writes a delivery `done` or `skipped` in the
-- transaction of its effect: two of them for one event are an effect that was had twice. Among the events of one key,
-- an effect that was had before that of an earlier event is an order violation.
WITH event AS (
    SELECT o.id, o.subject, o.sequence
    FROM events.outbox AS o
    WHERE o.type = 'contract.updated' AND o.subject IN (SELECT c.contract_id::text FROM chaos.change AS c)
),
effect AS (
    SELECT e.id, e.subject, e.sequence, count(d.id) AS times, min(d.finished_at) AS first_at
    FROM event AS e
    LEFT JOIN events.delivery AS d
        ON d.event_id = e.id AND d.agent = 'contract' AND d.outcome IN ('done', 'skipped')
    GROUP BY e.id, e.subject, e.sequence
),
in_order AS (
    SELECT f.first_at < lag(f.first_at) OVER (PARTITION BY f.subject ORDER BY f.sequence) AS violates
    FROM effect AS f
),
per_key AS (
    SELECT c.contract_id::text AS subject, count(*) AS changes
    FROM chaos.change AS c
    GROUP BY c.contract_id
)
SELECT
    (SELECT count(*) FROM chaos.change) AS changes,
    (SELECT count(*) FROM event) AS events,
    (
        SELECT coalesce(sum(abs(k.changes - (SELECT count(*) FROM event AS e WHERE e.subject = k.subject))), 0)
        FROM per_key AS k
    )::bigint AS without_event,
    (
        SELECT count(*)
        FROM event AS e
        WHERE NOT EXISTS (SELECT FROM events.inbox AS i WHERE i.agent = 'contract' AND i.event_id = e.id)
    ) AS unhandled,
    (SELECT count(*) FROM effect AS f WHERE f.times > 1) AS repeated,
    (SELECT count(*) FROM in_order AS o WHERE o.violates) AS out_of_order,
    (SELECT count(*) FROM events.delivery AS d WHERE d.outcome = 'duplicate') AS duplicates,
    (SELECT count(*) FROM events.dead_letter AS d WHERE d.event_id IN (SELECT e.id FROM event AS e)) AS dead_letters,
    (
        -- Of this run: the demonstration data has dead letters of its own, for operators to look at.
        SELECT string_agg(DISTINCT d.agent || ': ' || d.reason, '; ')
        FROM events.dead_letter AS d
        WHERE d.created_at >= (
            SELECT min(c.created_at) FROM public.contract AS c WHERE c.id IN (SELECT h.contract_id FROM chaos.change AS h)
        )
    ) AS reasons
