-- A locked prescription with what a refill depends on, as JSON: $1 the prescription. `fill` is its latest fill.
-- A refill is due on the day that the prescription agent has noted, which it does at delivery. Until that is heard of,
-- and at the earliest, it is due when a quarter is left of what was sent: nobody is given two fills at once.
SELECT row_to_json(r)
FROM (
    SELECT
        p.id, p.patient_id, p.status, p.refills_remaining, p.refill_requested_at, p.valid_until,
        p.quantity, p.days_supply,
        coalesce(own.id, preferred.id) AS pharmacy_id,
        coalesce(p.valid_until < current_date, false) AS is_over,
        greatest(p.refill_due_on, last_sent.low_on) AS refill_due_on,
        coalesce(greatest(p.refill_due_on, last_sent.low_on) > current_date, false) AS is_too_soon,
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
    LEFT JOIN LATERAL (
        SELECT
            (coalesce(f.delivered_at, f.shipped_at) AT TIME ZONE 'UTC')::date + f.days_supply - f.days_supply / 4
                AS low_on
        FROM healthcare.prescription_fill AS f
        WHERE f.prescription_id = p.id AND f.status IN ('shipped', 'delivered')
        ORDER BY f.fill_number DESC
        LIMIT 1
    ) AS last_sent ON true
    WHERE p.id = $1::text::uuid
) AS r
