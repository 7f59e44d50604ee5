-- takes: status
SELECT coalesce(json_agg(answer), '[]')
FROM (
    SELECT
        contract.id,
        contract.status,
        contract.start_date,
        contract.end_date,
        (
            SELECT row_to_json(related)
            FROM (
                SELECT customer.id, customer.email, customer.first_name, customer.last_name
                FROM public.customer
                WHERE customer.id = contract.customer_id
            ) AS related
        ) AS customer,
        (
            SELECT row_to_json(related)
            FROM (
                SELECT treatment.id, treatment.name, treatment.monthly_price
                FROM public.treatment
                WHERE treatment.id = contract.treatment_id
            ) AS related
        ) AS treatment
    FROM public.contract
    WHERE contract.status = $1
    ORDER BY contract.end_date DESC, contract.id DESC
    LIMIT 50
) AS answer
