-- Who has this sign-in already, as JSON: $1 its uid. No row when nobody has.
SELECT json_build_object('customer_id', c.id, 'is_deleted', c.deleted_at IS NOT NULL)
FROM public.customer AS c
WHERE c.firebase_uid = $1::text
UNION ALL
SELECT json_build_object('staff_id', s.id)
FROM public.staff AS s
WHERE s.firebase_uid = $1::text
