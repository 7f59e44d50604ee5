-- Records a customer's wish to be forgotten, and plans the work for the end of the grace period: $1 the customer, $2 why,
-- or null. Gives the request, as JSON.
WITH requested AS (
    INSERT INTO public.data_deletion_request AS d (customer_id, reason)
    VALUES ($1::text::uuid, $2::text)
    RETURNING d.id, d.customer_id, d.status, d.scheduled_for, d.created_at
),
planned AS (
    INSERT INTO events.scheduled_task (name, kind, target, payload, due_at)
    SELECT
        'data_deletion.carry_out/' || r.id,
        'data_deletion.carry_out',
        'data_deletion',
        jsonb_build_object('data_deletion_request_id', r.id, 'customer_id', r.customer_id),
        r.scheduled_for
    FROM requested AS r
)
SELECT json_build_object('id', r.id, 'status', r.status, 'scheduled_for', r.scheduled_for, 'created_at', r.created_at)
FROM requested AS r
