-- Erases a person from our tables: $1 the customer. What law keeps stays, under the customer's id: the medical record
-- (healthcare, clinical threads), contracts, invoices and payments, and that there was a customer (docs/privacy.md).
-- Gives, as JSON, how many rows went or were cleared.
WITH person AS (
    SELECT
        c.id, c.email, c.phone, c.firebase_uid, c.zendesk_user_id,
        -- The chargebee agent makes customers there under our id.
        coalesce(c.chargebee_customer_id, c.id::text) AS chargebee_customer_id
    FROM public.customer AS c
    WHERE c.id = $1::text::uuid
),
thread AS (
    SELECT t.id FROM public.message_thread AS t JOIN person AS p ON p.id = t.customer_id WHERE t.category <> 'clinical'
),
ticket AS (
    SELECT t.id FROM public.support_ticket AS t JOIN person AS p ON p.id = t.customer_id
),
messages AS (
    DELETE FROM public.message AS m USING thread AS t WHERE m.thread_id = t.id RETURNING 1
),
threads AS (
    DELETE FROM public.message_thread AS m USING thread AS t WHERE m.id = t.id RETURNING 1
),
notifications AS (
    DELETE FROM public.notification AS n USING person AS p WHERE n.customer_id = p.id RETURNING 1
),
comments AS (
    DELETE FROM public.support_ticket_comment AS c USING ticket AS t WHERE c.ticket_id = t.id RETURNING 1
),
tickets AS (
    DELETE FROM public.support_ticket AS s USING ticket AS t WHERE s.id = t.id RETURNING 1
),
recoveries AS (
    DELETE FROM public.payment_recovery AS r USING person AS p WHERE r.customer_id = p.id RETURNING 1
),
-- An invitation that earned nothing is nobody's business any more; one that did is the reward's reason.
invitations AS (
    DELETE FROM public.referral AS r USING person AS p
    WHERE r.referrer_id = p.id AND NOT EXISTS (SELECT FROM public.referral_reward AS w WHERE w.referral_id = r.id)
    RETURNING 1
),
referrals AS (
    UPDATE public.referral AS r
    SET referred_email = NULL, referred_id = nullif(r.referred_id, p.id)
    FROM person AS p
    WHERE (
            r.referred_id = p.id
            OR lower(btrim(r.referred_email)) = p.email
            OR (r.referrer_id = p.id AND r.referred_email IS NOT NULL)
        )
        AND (
            r.referrer_id <> p.id
            OR EXISTS (SELECT FROM public.referral_reward AS w WHERE w.referral_id = r.id)
        )
    RETURNING 1
),
contracts AS (
    UPDATE public.contract AS c SET cancel_reason = NULL
    FROM person AS p WHERE c.customer_id = p.id AND c.cancel_reason IS NOT NULL RETURNING 1
),
requests AS (
    UPDATE public.data_deletion_request AS d SET reason = NULL
    FROM person AS p WHERE d.customer_id = p.id AND d.reason IS NOT NULL RETURNING 1
),
billing AS (
    UPDATE chargebee.customer AS c
    SET email = NULL, first_name = NULL, last_name = NULL, phone = NULL, billing_address = NULL,
        primary_payment_source_id = NULL
    FROM person AS p WHERE c.id = p.chargebee_customer_id RETURNING 1
),
-- Nothing happens to the person any more.
tasks AS (
    UPDATE events.scheduled_task AS t
    SET status = 'cancelled', finished_at = now()
    FROM person AS p
    WHERE t.status IN ('scheduled', 'handed_over')
        AND t.kind NOT LIKE 'data\_deletion.%'
        AND EXISTS (
            SELECT FROM jsonb_each_text(t.payload) AS v
            WHERE v.value = p.id::text
                OR v.value IN (SELECT c.id::text FROM public.contract AS c WHERE c.customer_id = p.id)
                -- Chargebee numbers them from 1: elsewhere such a value is anybody's number.
                OR v.key = 'invoice_id'
                AND v.value IN (SELECT i.id FROM chargebee.invoice AS i WHERE i.customer_id = p.chargebee_customer_id)
                OR v.value IN (
                    SELECT x.id::text
                    FROM healthcare.prescription AS x JOIN healthcare.patient AS y ON y.id = x.patient_id
                    WHERE y.customer_id = p.id
                )
        )
    RETURNING 1
),
-- What outside systems sent and an agent gave up: it may name the person by what nobody knows any more in a moment, a
-- webhook of Iterable by the address alone, one of Zendesk by the requester's number.
naming_dead_letter AS MATERIALIZED (
    SELECT d.id
    FROM events.dead_letter AS d
    CROSS JOIN LATERAL (
        SELECT lower(d.event::text || coalesce(
            encode(decode(d.event ->> 'data_base64', 'base64'), 'escape'), ''
        )) AS event
    ) AS written
    JOIN person AS p ON (
        position(p.email IN written.event) > 0
        OR position(p.phone IN written.event) > 0
        OR position(lower(p.firebase_uid) IN written.event) > 0
        OR (
            p.zendesk_user_id IS NOT NULL
            AND jsonb_path_exists(
                d.event,
                '$.** ? (@ == $number || @ == $text)',
                jsonb_build_object('number', p.zendesk_user_id, 'text', p.zendesk_user_id::text)
            )
        )
    )
),
dead_letters AS (
    DELETE FROM events.dead_letter AS d USING naming_dead_letter AS n WHERE d.id = n.id RETURNING 1
),
customers AS (
    UPDATE public.customer AS c
    SET firebase_uid = NULL, zendesk_user_id = NULL, email = NULL, first_name = NULL, last_name = NULL, phone = NULL,
        date_of_birth = NULL, address_line1 = NULL, address_line2 = NULL, city = NULL, state_code = NULL, zip = NULL,
        country = NULL, timezone = 'UTC', email_opt_out = true, sms_opt_out = true
    FROM person AS p WHERE c.id = p.id RETURNING 1
)
SELECT json_build_object(
    'deleted', json_build_object(
        'public.message', (SELECT count(*) FROM messages),
        'public.message_thread', (SELECT count(*) FROM threads),
        'public.notification', (SELECT count(*) FROM notifications),
        'public.support_ticket', (SELECT count(*) FROM tickets),
        'public.support_ticket_comment', (SELECT count(*) FROM comments),
        'public.payment_recovery', (SELECT count(*) FROM recoveries),
        'public.referral', (SELECT count(*) FROM invitations),
        'events.dead_letter', (SELECT count(*) FROM dead_letters)
    ),
    'cleared', json_build_object(
        'public.customer', (SELECT count(*) FROM customers),
        'public.contract', (SELECT count(*) FROM contracts),
        'public.referral', (SELECT count(*) FROM referrals),
        'public.data_deletion_request', (SELECT count(*) FROM requests),
        'chargebee.customer', (SELECT count(*) FROM billing)
    ),
    'cancelled', json_build_object('events.scheduled_task', (SELECT count(*) FROM tasks))
)
