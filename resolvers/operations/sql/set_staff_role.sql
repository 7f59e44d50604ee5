-- Gives a locked member of staff a role, or takes it: $1 their id, $2 the role, $3 whether they are active. Gives the
-- member, as JSON.
UPDATE public.staff AS s
SET role = $2::text, active = $3::boolean
WHERE s.id = $1::text::uuid
RETURNING json_build_object('id', s.id, 'role', s.role, 'active', s.active)
