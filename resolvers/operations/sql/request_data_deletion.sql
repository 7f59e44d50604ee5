-- Records a customer's wish to be forgotten; a trigger plans the work for the end of the grace period: $1 the customer,
-- $2 why, or null. Gives the request, as JSON.
INSERT INTO public.data_deletion_request AS d (customer_id, reason)
VALUES ($1::text::uuid, $2::text)
RETURNING json_build_object(
    'id', d.id, 'status', d.status, 'scheduled_for', d.scheduled_for, 'created_at', d.created_at
)
