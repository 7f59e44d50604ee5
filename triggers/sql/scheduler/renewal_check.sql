-- Plans what a contract that ends within two days lacks: a renewal that was never planned, or that failed. What waits, is
-- under way or was done stays as it is.
WITH planned AS (
    INSERT INTO events.scheduled_task AS t (name, kind, target, due_at, payload)
    SELECT
        'contract-renewal-' || c.id,
        'contract.renewal',
        'contract',
        ((c.end_date - 1)::timestamp AT TIME ZONE 'UTC'),
        jsonb_build_object('contract_id', c.id)
    FROM public.contract AS c
    WHERE c.status = 'active' AND c.end_date <= (now() AT TIME ZONE 'UTC')::date + 2
    ON CONFLICT (name) DO UPDATE
    SET status = 'scheduled', last_error = NULL
    WHERE t.status = 'failed'
    RETURNING t.generation
)
SELECT jsonb_build_object(
    'planned', count(*) FILTER (WHERE p.generation = 0),
    'planned_again', count(*) FILTER (WHERE p.generation > 0)
)::text
FROM planned AS p
