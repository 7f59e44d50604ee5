-- takes: last_name
SELECT coalesce(json_agg(answer), '[]')
FROM (
    SELECT
        customer.id,
        customer.email,
        customer.first_name,
        customer.last_name,
        (
            SELECT coalesce(json_agg(related), '[]')
            FROM (
                SELECT contract.id, contract.status, contract.start_date, contract.end_date
                FROM public.contract
                WHERE contract.customer_id = customer.id
                ORDER BY contract.id
            ) AS related
        ) AS contracts,
        (
            SELECT coalesce(json_agg(related), '[]')
            FROM (
                SELECT
                    subscription.id,
                    subscription.status,
                    subscription.plan_item_price_id,
                    subscription.current_term_end
                FROM chargebee.subscription
                WHERE subscription.customer_id = customer.chargebee_customer_id
                ORDER BY subscription.id
            ) AS related
        ) AS subscriptions,
        (
            SELECT coalesce(json_agg(related), '[]')
            FROM (
                SELECT invoice.id, invoice.status, invoice.total, invoice.date
                FROM chargebee.invoice
                WHERE invoice.customer_id = customer.chargebee_customer_id
                ORDER BY invoice.date DESC
            ) AS related
        ) AS invoices
    FROM public.customer
    WHERE customer.last_name = $1
    ORDER BY customer.id
    LIMIT 20
) AS answer
