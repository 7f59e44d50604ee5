-- Locks the customer whose subscription somebody wants to change, if they may: $1 the subscription, $2 the caller's
-- role, $3 their id. Gives the customer's id. The customer's row is the one that `subscription.changed` is ordered by.
SELECT to_json(c.id)
FROM chargebee.subscription AS s
JOIN public.customer AS c ON c.chargebee_customer_id = s.customer_id
WHERE s.id = $1::text
    AND NOT s.deleted
    AND c.deleted_at IS NULL
    AND CASE $2::text
        WHEN 'user' THEN c.id = $3::text::uuid
        WHEN 'cct' THEN EXISTS (SELECT FROM public.staff AS m WHERE m.id = $3::text::uuid AND m.active)
        WHEN 'admin' THEN true
        ELSE false
    END
FOR NO KEY UPDATE OF c
