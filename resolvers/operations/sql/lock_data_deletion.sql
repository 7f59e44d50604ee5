-- Locks a deletion request that is in work: $1 the request. Gives its customer's id, as JSON.
SELECT to_json(d.customer_id)
FROM public.data_deletion_request AS d
WHERE d.id = $1::text::uuid AND d.status = 'processing'
FOR UPDATE
