-- The deletion request that a customer withdrew last, if it was their last one: $1 the customer. Gives it, as JSON.
SELECT json_build_object('id', d.id, 'status', d.status, 'cancelled_at', d.cancelled_at)
FROM public.data_deletion_request AS d
WHERE d.customer_id = $1::text::uuid AND d.status = 'cancelled'
    AND NOT EXISTS (
        SELECT FROM public.data_deletion_request AS later
        WHERE later.customer_id = d.customer_id AND later.created_at > d.created_at
    )
