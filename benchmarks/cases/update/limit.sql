-- takes: $session, $user_id, id, phone
UPDATE public.customer
SET phone = $4
FROM (SELECT set_config('app.session', $1, true) OFFSET 0) AS settings
WHERE customer.id = $3::uuid AND customer.id = $2::uuid AND customer.deleted_at IS NULL
RETURNING json_build_object(
    'id', customer.id,
    'phone', customer.phone,
    'email', customer.email,
    'city', customer.city
)
