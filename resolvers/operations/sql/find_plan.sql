-- The item price behind a treatment, as JSON: $1 the treatment, $2 monthly or upfront. `price` is null when there is
-- none. One that the mirror doesn't know (yet) is Chargebee's to judge.
SELECT json_build_object(
    'offered', t.active AND coalesce(p.status = 'active' AND NOT p.deleted, true),
    'price', plan.price
)
FROM public.treatment AS t
CROSS JOIN LATERAL (
    SELECT CASE
        WHEN $2::text = 'monthly' THEN t.monthly_item_price_id
        WHEN t.has_upfront_payment_option THEN t.upfront_item_price_id
    END AS price
) AS plan
LEFT JOIN chargebee.item_price AS p ON p.id = plan.price
WHERE t.id = $1::text::uuid
