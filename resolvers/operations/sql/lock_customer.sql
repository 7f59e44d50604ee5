-- Locks a customer who is still there: $1 their id. Gives it.
SELECT to_json(c.id)
FROM public.customer AS c
WHERE c.id = $1::text::uuid AND c.deleted_at IS NULL
FOR NO KEY UPDATE
