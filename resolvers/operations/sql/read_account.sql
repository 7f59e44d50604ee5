-- A customer's account, as JSON: $1 the customer.
SELECT row_to_json(r)
FROM (
    SELECT c.id AS customer_id, p.id AS patient_id, c.email, c.first_name, c.last_name, c.created_at
    FROM public.customer AS c
    LEFT JOIN healthcare.patient AS p ON p.customer_id = c.id
    WHERE c.id = $1::text::uuid
) AS r
