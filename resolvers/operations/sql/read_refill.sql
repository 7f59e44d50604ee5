-- A locked prescription with what a refill depends on, as JSON: $1 the prescription. `fill` is its latest fill.
SELECT row_to_json(r)
FROM (
    SELECT
        p.id, p.patient_id, p.status, p.refills_remaining, p.refill_due_on, p.refill_requested_at, p.valid_until,
        p.quantity, p.days_supply,
        coalesce(own.id, preferred.id) AS pharmacy_id,
        coalesce(p.valid_until < current_date, false) AS is_over,
        coalesce(p.refill_due_on > current_date, false) AS is_too_soon,
        med.status = 'active' AND t.active AS can_be_dispensed,
        (
            SELECT row_to_json(f)
            FROM (
                SELECT f.id, f.fill_number, f.status, f.pharmacy_id
                FROM healthcare.prescription_fill AS f
                WHERE f.prescription_id = p.id
                ORDER BY f.fill_number DESC
                LIMIT 1
            ) AS f
        ) AS fill
    FROM healthcare.prescription AS p
    JOIN healthcare.patient AS t ON t.id = p.patient_id
    JOIN healthcare.medication AS med ON med.id = p.medication_id
    LEFT JOIN healthcare.pharmacy AS own ON own.id = p.pharmacy_id AND own.active
    LEFT JOIN healthcare.pharmacy AS preferred ON preferred.id = t.preferred_pharmacy_id AND preferred.active
    WHERE p.id = $1::text::uuid
) AS r
