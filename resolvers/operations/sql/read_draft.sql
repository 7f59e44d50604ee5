-- A locked prescription with what signing it depends on, as JSON: $1 the prescription, $2 the provider.
-- `latest_day` is the last day that it may be valid: a year for most, six months for controlled substances.
SELECT row_to_json(r)
FROM (
    SELECT
        p.id, p.patient_id, t.customer_id, p.requester_id, p.contract_id, p.status, p.signed_at, p.valid_until,
        p.refills_allowed, p.refills_remaining, coalesce(p.pharmacy_id, preferred.id) AS pharmacy_id,
        t.active AND med.status = 'active' AND coalesce(ph.active, true) AS can_be_dispensed,
        med.is_controlled,
        s.npi IS NOT NULL AS has_npi,
        t.state_code,
        coalesce(t.state_code = ANY (s.license_states), false) AS is_licensed,
        p.valid_until < current_date AS is_over,
        (current_date + CASE WHEN med.is_controlled THEN interval '6 months' ELSE interval '1 year' END)::date
            AS latest_day
    FROM healthcare.prescription AS p
    JOIN healthcare.patient AS t ON t.id = p.patient_id
    JOIN healthcare.medication AS med ON med.id = p.medication_id
    JOIN public.staff AS s ON s.id = $2::text::uuid
    LEFT JOIN healthcare.pharmacy AS ph ON ph.id = p.pharmacy_id
    LEFT JOIN healthcare.pharmacy AS preferred ON preferred.id = t.preferred_pharmacy_id AND preferred.active
    WHERE p.id = $1::text::uuid
) AS r
