-- Locks a customer's own signed prescription: $1 the prescription, $2 the customer. Gives its id.
SELECT to_json(p.id)
FROM healthcare.prescription AS p
JOIN healthcare.patient AS t ON t.id = p.patient_id
JOIN public.customer AS c ON c.id = t.customer_id AND c.deleted_at IS NULL
WHERE p.id = $1::text::uuid AND c.id = $2::text::uuid AND p.signed_at IS NOT NULL AND p.status <> 'draft'
FOR NO KEY UPDATE OF p
