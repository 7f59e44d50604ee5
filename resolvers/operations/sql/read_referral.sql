-- A locked referral and the customer who redeems it, as JSON: $1 the referral, $2 the customer. `is_new` is whether the
-- customer has never had a contract that began.
SELECT json_build_object(
    'id', r.id,
    'status', r.status,
    'referrer_id', r.referrer_id,
    'referred_id', r.referred_id,
    'expires_at', r.expires_at,
    'is_over', r.expires_at < now(),
    'is_referred', EXISTS (SELECT FROM public.referral AS o WHERE o.referred_id = $2::text::uuid AND o.id <> r.id),
    'is_new', NOT EXISTS (
        SELECT
        FROM public.contract AS k
        WHERE k.customer_id = $2::text::uuid
            AND (k.status IN ('active', 'completed', 'renewed') OR k.activated_at IS NOT NULL)
    )
)
FROM public.referral AS r
WHERE r.id = $1::text::uuid
