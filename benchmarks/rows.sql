-- The rows that are served: 20,000 customers with two contracts, two subscriptions and ten invoices each.
-- Nobody is to hear of them, so the triggers that write events rest meanwhile.

ALTER TABLE public.customer DISABLE TRIGGER USER;
ALTER TABLE public.contract DISABLE TRIGGER USER;
ALTER TABLE chargebee.invoice DISABLE TRIGGER USER;

INSERT INTO public.treatment (name, description, monthly_item_price_id, monthly_price, term_months)
SELECT
    'Treatment ' || n,
    'What treatment ' || n || ' does, to whom, and what to expect of it.',
    'treatment-' || n || '-USD-Monthly',
    2900 + 1000 * n,
    CASE WHEN n % 3 = 0 THEN 12 ELSE 6 END
FROM generate_series(1, 12) AS n;

-- Every last name is that of forty customers.
INSERT INTO public.customer (
    chargebee_customer_id, email, first_name, last_name, phone, date_of_birth,
    address_line1, city, state_code, zip, country, timezone, lifetime_value, created_at
)
SELECT
    'cus_' || lpad(n::text, 6, '0'),
    'customer.' || n || '@example.com',
    (ARRAY['Ada', 'Grace', 'Edsger', 'Barbara', 'Donald', 'Frances', 'Tony', 'Margaret'])[1 + n % 8],
    'Family' || lpad((n % 500)::text, 3, '0'),
    '+1202555' || lpad((n % 10000)::text, 4, '0'),
    date '1950-01-01' + n % 20000,
    n || ' Main Street',
    'Springfield',
    (ARRAY['CA', 'CO', 'NY', 'TX', 'WA', 'IL', 'FL', 'MA'])[1 + n % 8],
    lpad((n % 100000)::text, 5, '0'),
    'US',
    'America/Denver',
    (n * 7919) % 500000,
    timestamptz '2023-01-01 00:00Z' + n * interval '71 minutes'
FROM generate_series(1, 20000) AS n;

INSERT INTO chargebee.subscription (
    id, customer_id, plan_item_price_id, plan_quantity, plan_unit_price, currency_code, billing_period,
    billing_period_unit, status, started_at, current_term_start, current_term_end, mrr, created_at, updated_at,
    resource_version
)
SELECT
    'sub_' || lpad(n::text, 6, '0'),
    'cus_' || lpad((1 + (n - 1) % 20000)::text, 6, '0'),
    'treatment-' || 1 + n % 12 || '-USD-Monthly',
    1,
    2900 + 1000 * (1 + n % 12),
    'USD',
    1,
    'month',
    (ARRAY['active', 'active', 'active', 'non_renewing', 'paused', 'cancelled', 'future'])[1 + n % 7],
    timestamptz '2023-06-01 00:00Z' + n * interval '31 minutes',
    timestamptz '2025-06-01 00:00Z' + n * interval '31 seconds',
    timestamptz '2025-07-01 00:00Z' + n * interval '31 seconds',
    2900 + 1000 * (1 + n % 12),
    timestamptz '2023-06-01 00:00Z' + n * interval '31 minutes',
    timestamptz '2025-06-01 00:00Z' + n * interval '31 seconds',
    1700000000000 + n
FROM generate_series(1, 40000) AS n;

WITH customer AS (
    SELECT id, row_number() OVER (ORDER BY id) AS number FROM public.customer
),
treatment AS (
    SELECT id, row_number() OVER (ORDER BY id) AS number FROM public.treatment
)
INSERT INTO public.contract (customer_id, subscription_id, treatment_id, status, start_date, end_date, auto_renew)
SELECT
    customer.id,
    'sub_' || lpad(n::text, 6, '0'),
    treatment.id,
    (ARRAY['active', 'active', 'active', 'completed', 'renewed', 'cancelled', 'future'])[1 + n % 7],
    date '2023-06-01' + n % 997,
    date '2023-06-01' + n % 997 + 183,
    n % 4 > 0
FROM generate_series(1, 40000) AS n
JOIN customer ON customer.number = 1 + (n - 1) % 20000
JOIN treatment ON treatment.number = 1 + n % 12
ORDER BY n;

-- No two invoices have the same date, so that every order by it is total.
INSERT INTO chargebee.invoice (
    id, customer_id, subscription_id, status, date, due_date, currency_code, sub_total, tax, total, amount_paid,
    amount_due, paid_at, updated_at, resource_version
)
SELECT
    'inv_' || lpad(n::text, 7, '0'),
    'cus_' || lpad((1 + n % 20000)::text, 6, '0'),
    'sub_' || lpad((1 + n % 40000)::text, 6, '0'),
    status,
    timestamptz '2023-01-01 00:00Z' + n * interval '397 seconds',
    timestamptz '2023-01-15 00:00Z' + n * interval '397 seconds',
    'USD',
    amount,
    amount / 10,
    amount + amount / 10,
    CASE WHEN status = 'paid' THEN amount + amount / 10 ELSE 0 END,
    CASE WHEN status = 'paid' THEN 0 ELSE amount + amount / 10 END,
    CASE WHEN status = 'paid' THEN timestamptz '2023-01-02 00:00Z' + n * interval '397 seconds' END,
    timestamptz '2023-01-02 00:00Z' + n * interval '397 seconds',
    1700000000000 + n
FROM (
    SELECT
        n,
        2900 + (n * 7919) % 20000 AS amount,
        (ARRAY['paid', 'paid', 'paid', 'paid', 'payment_due', 'not_paid', 'posted', 'voided'])[1 + n % 8] AS status
    FROM generate_series(1, 200000) AS n
) AS numbered;

ALTER TABLE public.customer ENABLE TRIGGER USER;
ALTER TABLE public.contract ENABLE TRIGGER USER;
ALTER TABLE chargebee.invoice ENABLE TRIGGER USER;
