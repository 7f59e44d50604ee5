-- Locks a contract until the transaction ends: $1 its id, $2 its updated_at as it was read. Whether it is as it was read,
-- or null when there is none.
SELECT k.updated_at = $2::text::timestamptz
FROM public.contract AS k
WHERE k.id = $1::text::uuid
FOR NO KEY UPDATE
