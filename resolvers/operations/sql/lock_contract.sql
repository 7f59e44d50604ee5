-- Locks a contract that somebody wants to cancel, and its customer, if they may: $1 the contract, $2 the caller's role,
-- $3 their id. Gives the contract's and the customer's id. Both rows are ones that events are ordered by.
SELECT json_build_object('contract_id', k.id, 'customer_id', c.id)
FROM public.contract AS k
JOIN public.customer AS c ON c.id = k.customer_id
WHERE k.id = $1::text::uuid
    AND c.deleted_at IS NULL
    AND CASE $2::text
        WHEN 'user' THEN c.id = $3::text::uuid
        WHEN 'cct' THEN EXISTS (SELECT FROM public.staff AS m WHERE m.id = $3::text::uuid AND m.active)
        WHEN 'admin' THEN true
        ELSE false
    END
FOR NO KEY UPDATE OF c, k
