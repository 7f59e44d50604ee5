-- takes: $session, $user_id, treatment_id, start_date
-- The treatment must be one that is offered, the term must not be over, and the customer must not have been deleted; else
-- nothing is inserted, and the answer is null.
INSERT INTO public.contract (customer_id, treatment_id, status, start_date)
SELECT customer.id, treatment.id, 'future', $4::text::date
FROM public.treatment
JOIN public.customer ON customer.id = $2::uuid AND customer.deleted_at IS NULL
CROSS JOIN (SELECT set_config('app.session', $1, true) OFFSET 0) AS settings
WHERE
    treatment.id = $3::uuid
    AND treatment.active
    AND $4::text::date + make_interval(months => treatment.term_months) > now()
RETURNING json_build_object(
    'id', id,
    'customer_id', customer_id,
    'treatment_id', treatment_id,
    'status', status,
    'start_date', start_date,
    'end_date', end_date
)
