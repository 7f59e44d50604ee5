-- takes: id
SELECT row_to_json(answer)
FROM (
    SELECT
        contract.id,
        contract.status,
        contract.start_date,
        contract.end_date,
        contract.auto_renew,
        (
            SELECT row_to_json(related)
            FROM (
                SELECT customer.id, customer.email, customer.first_name, customer.last_name
                FROM public.customer
                WHERE customer.id = contract.customer_id
            ) AS related
        ) AS customer
    FROM public.contract
    WHERE contract.id = $1::uuid
) AS answer
