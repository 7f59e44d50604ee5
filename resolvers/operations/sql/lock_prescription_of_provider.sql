-- Locks a prescription for a provider on the patient's care team: $1 the prescription, $2 the provider. With it the
-- membership, so that whoever leaves the team meanwhile doesn't sign. Gives the prescription's id.
SELECT to_json(p.id)
FROM healthcare.prescription AS p
JOIN healthcare.patient AS t ON t.id = p.patient_id
JOIN public.customer AS c ON c.id = t.customer_id AND c.deleted_at IS NULL
JOIN healthcare.care_team AS m ON m.patient_id = t.id AND m.staff_id = $2::text::uuid AND m.status = 'active'
JOIN public.staff AS s ON s.id = m.staff_id AND s.active
WHERE p.id = $1::text::uuid
FOR NO KEY UPDATE OF p
FOR SHARE OF m, s
