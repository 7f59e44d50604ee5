-- Locks the referral with a code, while whoever recommends us is a customer: $1 the code. Gives its id.
SELECT to_json(r.id)
FROM public.referral AS r
JOIN public.customer AS c ON c.id = r.referrer_id AND c.deleted_at IS NULL
WHERE r.code = $1::text
FOR NO KEY UPDATE OF r
