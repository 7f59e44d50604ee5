-- takes: status
SELECT coalesce(json_agg(answer), '[]')
FROM (
    SELECT
        id, customer_id, subscription_id, status, date, currency_code, total, amount_paid, amount_due, updated_at
    FROM chargebee.invoice
    WHERE status = $1
    ORDER BY date DESC
    LIMIT 1000
) AS answer
