-- Locks the customer with an e-mail address, as JSON: $1 the address. No row when there is none.
SELECT json_build_object('id', c.id, 'has_account', c.firebase_uid IS NOT NULL OR c.deleted_at IS NOT NULL)
FROM public.customer AS c
WHERE c.email = $1::text
FOR NO KEY UPDATE
