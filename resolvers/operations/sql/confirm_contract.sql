-- Decides whether a contract counts, unless that was decided or is out of question: $1 its id, after lock_contracts_of.
-- Gives its status and, when it was decided just now that it doesn't, the one that counts, as JSON.
WITH asked AS (
    SELECT k.id, k.customer_id, k.treatment_id, k.start_date, k.created_at
    FROM public.contract AS k
    WHERE k.id = $1::text::uuid
        AND k.confirmed_at IS NULL
        AND k.status IN ('future', 'active')
        AND k.subscription_id IS NULL
        AND k.renewed_from_id IS NULL
),
counting AS (
    SELECT t.id
    FROM asked AS a
    JOIN public.contract AS t ON t.customer_id = a.customer_id
    WHERE t.id <> a.id
        AND t.treatment_id = a.treatment_id
        AND t.start_date = a.start_date
        AND t.created_at BETWEEN a.created_at - interval '1 minute' AND a.created_at + interval '1 minute'
        AND t.status IN ('future', 'active')
        AND t.renewed_from_id IS NULL
        -- Transactions may become visible in another order than they began in: what was decided before stays.
        AND (
            t.subscription_id = t.id::text
            OR (t.subscription_id IS NULL AND t.confirmed_at IS NOT NULL)
            OR (t.subscription_id IS NULL AND (t.created_at, t.id) < (a.created_at, a.id))
        )
    ORDER BY t.subscription_id IS NULL, t.confirmed_at IS NULL, t.created_at, t.id
    LIMIT 1
),
decided AS (
    UPDATE public.contract AS k
    SET confirmed_at = now(),
        status = CASE WHEN c.id IS NULL THEN k.status ELSE 'cancelled' END,
        cancelled_at = CASE WHEN c.id IS NULL THEN k.cancelled_at ELSE now() END,
        cancel_reason = CASE WHEN c.id IS NULL THEN k.cancel_reason ELSE 'asked for twice at once' END
    FROM asked AS a LEFT JOIN counting AS c ON true
    WHERE k.id = a.id
        AND k.status IN ('future', 'active')
        AND k.subscription_id IS NULL
    RETURNING k.status, c.id AS double_of
)
SELECT json_build_object('status', coalesce(d.status, k.status), 'double_of', d.double_of)
FROM public.contract AS k
LEFT JOIN decided AS d ON true
WHERE k.id = $1::text::uuid
