-- The open deletion request of a locked customer, as JSON: $1 the customer. No row when there is none.
SELECT json_build_object('id', d.id, 'status', d.status, 'scheduled_for', d.scheduled_for, 'created_at', d.created_at)
FROM public.data_deletion_request AS d
WHERE d.customer_id = $1::text::uuid AND d.status IN ('pending', 'processing')
