-- Signs a locked draft: $1 the prescription, $2 the last day it is valid, $3 the pharmacy. Gives what changed, as JSON.
UPDATE healthcare.prescription AS p
SET
    status = 'active',
    signed_at = now(),
    valid_until = $2::text::date,
    pharmacy_id = $3::text::uuid,
    refills_remaining = p.refills_allowed
WHERE p.id = $1::text::uuid
RETURNING json_build_object(
    'status', p.status,
    'signed_at', p.signed_at,
    'valid_until', p.valid_until,
    'pharmacy_id', p.pharmacy_id,
    'refills_remaining', p.refills_remaining
)
