-- Uses one refill of a locked prescription and queues its fill: $1 the prescription, $2 the fill's number, $3 the
-- pharmacy. Gives the fill and what is left, as JSON.
WITH used AS (
    UPDATE healthcare.prescription AS p
    SET refills_remaining = p.refills_remaining - 1, refill_requested_at = NULL
    WHERE p.id = $1::text::uuid
    RETURNING p.id, p.quantity, p.days_supply, p.refills_remaining
),
queued AS (
    INSERT INTO healthcare.prescription_fill (prescription_id, pharmacy_id, fill_number, quantity, days_supply)
    SELECT u.id, $3::text::uuid, $2::text::integer, u.quantity, u.days_supply
    FROM used AS u
    RETURNING id, fill_number, status, pharmacy_id
)
SELECT json_build_object('refills_remaining', u.refills_remaining, 'fill', row_to_json(q))
FROM used AS u
CROSS JOIN queued AS q
