-- Forgets the events about a deleted customer, what agents noted of them, and the work that was planned: $1 the customer.
-- Gives, as JSON, how many rows went, and how many events are still on their way: these stay, and it has to be run again.
-- Chargebee numbers invoices from 1: such an id counts only where it is said to be one, else it is anybody's number.
WITH known_by AS MATERIALIZED (
    SELECT c.id::text AS id FROM public.customer AS c WHERE c.id = $1::text::uuid
    UNION SELECT t.id::text FROM healthcare.patient AS t WHERE t.customer_id = $1::text::uuid
    UNION SELECT c.id::text FROM public.contract AS c WHERE c.customer_id = $1::text::uuid
    UNION SELECT p.id::text
        FROM healthcare.prescription AS p JOIN healthcare.patient AS t ON t.id = p.patient_id
        WHERE t.customer_id = $1::text::uuid
    UNION SELECT f.id::text
        FROM healthcare.prescription_fill AS f
        JOIN healthcare.prescription AS p ON p.id = f.prescription_id
        JOIN healthcare.patient AS t ON t.id = p.patient_id
        WHERE t.customer_id = $1::text::uuid
    UNION SELECT c.chargebee_customer_id FROM public.customer AS c
        WHERE c.id = $1::text::uuid AND c.chargebee_customer_id IS NOT NULL
    -- Without a billing id that was written down, the records in Chargebee are under our own.
    UNION SELECT s.id
        FROM chargebee.subscription AS s JOIN public.customer AS c
            ON s.customer_id = coalesce(c.chargebee_customer_id, c.id::text)
        WHERE c.id = $1::text::uuid
    UNION SELECT i.id
        FROM chargebee.invoice AS i JOIN public.customer AS c
            ON i.customer_id = coalesce(c.chargebee_customer_id, c.id::text)
        WHERE c.id = $1::text::uuid
),
telling AS MATERIALIZED (
    SELECT k.id FROM known_by AS k WHERE length(k.id) >= 12
),
event AS MATERIALIZED (
    SELECT h.id, h.published_at IS NOT NULL OR h.dead_lettered_at IS NOT NULL AS is_over
    FROM events.history AS h
    WHERE h.subject IN (SELECT id FROM known_by)
        OR h.session_variables ->> 'x-hasura-user-id' = $1::text
        OR h.data ->> 'customer_id' = $1::text
        OR h.data ->> 'referred_id' = $1::text
),
deliveries AS (
    DELETE FROM events.delivery AS d
    WHERE d.event_id IN (SELECT id FROM event)
        OR EXISTS (
            SELECT FROM jsonb_array_elements(
                CASE jsonb_typeof(d.effects) WHEN 'array' THEN d.effects ELSE '[]'::jsonb END
            ) AS e
            WHERE e ->> 'id' IN (SELECT id FROM telling)
                OR e ->> 'system' = 'chargebee' AND e ->> 'id' IN (SELECT id FROM known_by)
        )
        -- Of a task or a webhook, whose ids are no event's.
        OR EXISTS (SELECT FROM telling AS k WHERE position(k.id IN d.error) > 0)
    RETURNING 1
),
dead_letters AS (
    DELETE FROM events.dead_letter AS d
    WHERE d.event_id IN (SELECT id FROM event)
        OR EXISTS (SELECT FROM telling AS k WHERE position(k.id IN d.event::text) > 0)
    RETURNING 1
),
outbox AS (
    DELETE FROM events.outbox AS o USING event AS e WHERE o.id = e.id AND e.is_over RETURNING 1
),
archive AS (
    DELETE FROM events.outbox_archive AS a USING event AS e WHERE a.id = e.id RETURNING 1
),
-- The work that this belongs to names the request alone.
tasks AS (
    DELETE FROM events.scheduled_task AS t
    WHERE t.kind <> 'data_deletion.conclude'
        AND EXISTS (
            SELECT FROM jsonb_each_text(t.payload) AS v
            WHERE v.value IN (SELECT id FROM telling)
                OR v.key = 'invoice_id' AND v.value IN (SELECT id FROM known_by)
        )
    RETURNING 1
)
SELECT json_build_object(
    'waiting', (SELECT count(*) FROM event WHERE NOT is_over),
    'deleted', json_build_object(
        'events.outbox', (SELECT count(*) FROM outbox),
        'events.outbox_archive', (SELECT count(*) FROM archive),
        'events.delivery', (SELECT count(*) FROM deliveries),
        'events.dead_letter', (SELECT count(*) FROM dead_letters),
        'events.scheduled_task', (SELECT count(*) FROM tasks)
    )
)
