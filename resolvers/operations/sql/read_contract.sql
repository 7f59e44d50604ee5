-- A contract and the subscription that pays for it and for no other living contract, as JSON: $1 the contract.
SELECT row_to_json(r)
FROM (
    SELECT
        k.id, k.customer_id, k.treatment_id, k.subscription_id, k.status, k.start_date, k.end_date, k.renewed_from_id,
        k.cancelled_at, k.cancel_reason, s.id AS paid_by
    FROM public.contract AS k
    LEFT JOIN chargebee.subscription AS s
        ON s.id = k.subscription_id
        AND NOT s.deleted
        AND s.status <> 'cancelled'
        AND NOT EXISTS (
            SELECT
            FROM public.contract AS other
            WHERE other.subscription_id = s.id AND other.id <> k.id AND other.status IN ('future', 'active')
        )
    WHERE k.id = $1::text::uuid
) AS r
