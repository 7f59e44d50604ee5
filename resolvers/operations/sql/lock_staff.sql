-- Locks a member of staff, and with them everyone who can give roles, so that two operators can't take them from each
-- other: $1 the member's id. In one order, so that nobody waits in a circle. Gives the member, as JSON.
WITH locked AS MATERIALIZED (
    SELECT s.id, s.role, s.active, s.npi, s.updated_at
    FROM public.staff AS s
    WHERE s.id = $1::text::uuid OR (s.role = 'admin' AND s.active)
    ORDER BY s.id
    FOR NO KEY UPDATE
)
SELECT json_build_object('id', l.id)
FROM locked AS l
WHERE l.id = $1::text::uuid
