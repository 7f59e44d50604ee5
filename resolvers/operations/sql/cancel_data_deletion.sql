-- Withdraws a customer's request while its grace period lasts, and its planned work: $1 the customer, locked. Gives it, as
-- JSON; no row when none is pending.
WITH withdrawn AS (
    UPDATE public.data_deletion_request AS d
    SET status = 'cancelled', cancelled_at = now()
    WHERE d.customer_id = $1::text::uuid AND d.status = 'pending'
    RETURNING d.id, d.status, d.cancelled_at
),
planned AS (
    UPDATE events.scheduled_task AS t
    SET status = 'cancelled', finished_at = now()
    FROM withdrawn AS w
    WHERE t.name = 'data_deletion.carry_out/' || w.id AND t.status IN ('scheduled', 'handed_over')
)
SELECT json_build_object('id', w.id, 'status', w.status, 'cancelled_at', w.cancelled_at)
FROM withdrawn AS w
