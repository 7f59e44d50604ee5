-- A locked member of staff, as JSON: $1 their id. `is_last_admin` is whether nobody else can give roles.
SELECT json_build_object(
    'id', s.id,
    'role', s.role,
    'active', s.active,
    'has_npi', s.npi IS NOT NULL,
    'version', s.updated_at,
    'is_last_admin', s.role = 'admin' AND s.active AND NOT EXISTS (
        SELECT FROM public.staff AS o WHERE o.id <> s.id AND o.role = 'admin' AND o.active
    )
)
FROM public.staff AS s
WHERE s.id = $1::text::uuid
