-- The proof of a deletion that is concluded, as JSON: $1 the request. No row when it is not.
SELECT to_json(d.proof)
FROM public.data_deletion_request AS d
WHERE d.id = $1::text::uuid AND d.status = 'completed'
