-- Asks for a refill of a locked prescription: $1 its id. Gives when, as JSON.
UPDATE healthcare.prescription AS p
SET refill_requested_at = now()
WHERE p.id = $1::text::uuid
RETURNING to_json(p.refill_requested_at)
