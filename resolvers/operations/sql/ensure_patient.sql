-- The patient of a customer, made when there is none: $1 the customer. Gives its id.
WITH made AS (
    INSERT INTO healthcare.patient (customer_id, birth_date, state_code)
    SELECT c.id, c.date_of_birth, c.state_code
    FROM public.customer AS c
    WHERE c.id = $1::text::uuid
    ON CONFLICT (customer_id) DO NOTHING
    RETURNING id
)
SELECT to_json(m.id)
FROM (SELECT id FROM made UNION ALL SELECT p.id FROM healthcare.patient AS p WHERE p.customer_id = $1::text::uuid) AS m
