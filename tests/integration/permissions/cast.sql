-- People with a row in every table, beside the demo data. Ids say whose row of which table it is: they begin with a's
-- for Olga, b's for Otto, d's for Dora, whose data was deleted; e's are staff and f's belong to nobody.

INSERT INTO public.staff (id, email, first_name, last_name, role, active)
VALUES
    ('eeeeeeee-0001-7000-8000-000000000000', 'pia@cast.example', 'Pia', 'Cast', 'provider', true),
    ('eeeeeeee-0002-7000-8000-000000000000', 'pete@cast.example', 'Pete', 'Cast', 'provider', true),
    ('eeeeeeee-0003-7000-8000-000000000000', 'carl@cast.example', 'Carl', 'Cast', 'cct', true),
    -- They have left.
    ('eeeeeeee-0004-7000-8000-000000000000', 'gail@cast.example', 'Gail', 'Cast', 'provider', false),
    ('eeeeeeee-0005-7000-8000-000000000000', 'gus@cast.example', 'Gus', 'Cast', 'cct', false);

INSERT INTO public.treatment (id, name, active, monthly_item_price_id, monthly_price, term_months)
VALUES
    ('ffffffff-0001-7000-8000-000000000000', 'Offered', true, 'offered-monthly', 9900, 6),
    ('ffffffff-0002-7000-8000-000000000000', 'Never taken and no longer offered', false, 'old-monthly', 9900, 6),
    ('ffffffff-0003-7000-8000-000000000000', 'Once taken and no longer offered', false, 'older-monthly', 9900, 6),
    ('ffffffff-0004-7000-8000-000000000000', 'Offered and never taken', true, 'new-monthly', 9900, 6),
    ('ffffffff-0005-7000-8000-000000000000', 'Taken by Otto and no longer offered', false, 'oldest-monthly', 9900, 6);

INSERT INTO healthcare.pharmacy (id, name, ncpdp_id, active)
VALUES
    ('ffffffff-0010-7000-8000-000000000000', 'Open', '8800010', true),
    ('ffffffff-0011-7000-8000-000000000000', 'Shut', '8800011', false);

INSERT INTO healthcare.medication (id, code_system, code, code_display, status, form, strength)
VALUES
    ('ffffffff-0020-7000-8000-000000000000', 'http://cast', '1', 'in use', 'active', 'tablet', '1 mg'),
    ('ffffffff-0021-7000-8000-000000000000', 'http://cast', '2', 'withdrawn', 'inactive', 'tablet', '1 mg'),
    -- Only ever drafted: patients must not learn of it.
    ('ffffffff-0022-7000-8000-000000000000', 'http://cast', '3', 'drafted', 'active', 'tablet', '1 mg');

CREATE FUNCTION pg_temp.id_of(who text, what text) RETURNS uuid
LANGUAGE sql IMMUTABLE
RETURN (repeat(who, 8) || '-' || what || '-7000-8000-000000000000')::uuid;

CREATE TEMP TABLE cast_member AS
SELECT who, name, doctor, deleted_at
FROM (VALUES
    ('a', 'Olga', pg_temp.id_of('e', '0001'), NULL),
    ('b', 'Otto', pg_temp.id_of('e', '0002'), NULL),
    ('d', 'Dora', pg_temp.id_of('e', '0001'), now() - interval '1 day')
) AS member (who, name, doctor, deleted_at);

-- public

INSERT INTO public.customer (id, email, first_name, last_name, phone, chargebee_customer_id, lifetime_value, deleted_at)
SELECT pg_temp.id_of(who, '0001'), lower(name) || '@cast.example', name, 'Cast', '+1202555010' || ascii(who) % 10,
    'cust-' || who, 100, deleted_at
FROM cast_member;

INSERT INTO public.contract (id, customer_id, subscription_id, treatment_id, status, start_date, completed_at)
SELECT pg_temp.id_of(who, '0003'), pg_temp.id_of(who, '0001'), 'sub-' || who, pg_temp.id_of('f', '0001'), 'active',
    CURRENT_DATE - 10, NULL::timestamptz
FROM cast_member
UNION ALL
SELECT pg_temp.id_of(who, '0033'), pg_temp.id_of(who, '0001'), NULL, pg_temp.id_of('f', '0003'), 'completed',
    CURRENT_DATE - 300, now()
FROM cast_member
UNION ALL
SELECT pg_temp.id_of('b', '0035'), pg_temp.id_of('b', '0001'), NULL, pg_temp.id_of('f', '0005'), 'completed',
    CURRENT_DATE - 600, now();

-- 0004 is open, 0007 closed.
INSERT INTO public.message_thread (id, customer_id, staff_id, subject, category, status)
SELECT pg_temp.id_of(who, '0004'), pg_temp.id_of(who, '0001'), doctor, 'Question', 'clinical', 'open' FROM cast_member
UNION ALL
SELECT pg_temp.id_of(who, '0007'), pg_temp.id_of(who, '0001'), NULL, 'Bill', 'billing', 'closed' FROM cast_member;

-- 0005 is the customer's, 0006 the provider's.
INSERT INTO public.message (id, thread_id, sender_role, sender_customer_id, sender_staff_id, body)
SELECT pg_temp.id_of(who, '0005'), pg_temp.id_of(who, '0004'), 'customer', pg_temp.id_of(who, '0001'), NULL,
    'secret of ' || name
FROM cast_member
UNION ALL
SELECT pg_temp.id_of(who, '0006'), pg_temp.id_of(who, '0004'), 'provider', NULL, doctor, 'advice for ' || name
FROM cast_member;

-- 0008 is shown in the portal, 0009 went by e-mail, 0010 was not shown.
INSERT INTO public.notification (id, event_id, customer_id, channel, template, status)
SELECT pg_temp.id_of(who, what), pg_temp.id_of(who, 'eeee'), pg_temp.id_of(who, '0001'), channel, 'news' || what, status
FROM cast_member,
    (VALUES ('0008', 'portal', 'delivered'), ('0009', 'email', 'sent'), ('0010', 'portal', 'suppressed'))
        AS message (what, channel, status);

INSERT INTO public.support_ticket (id, customer_id, subject, invoice_id)
SELECT pg_temp.id_of(who, '000a'), pg_temp.id_of(who, '0001'), 'Payment failed', 'inv-' || who FROM cast_member;

INSERT INTO public.support_ticket_comment (id, ticket_id, author, body, zendesk_comment_id)
SELECT pg_temp.id_of(who, '0011'), pg_temp.id_of(who, '000a'), 'cct', 'Called back', ascii(who) FROM cast_member;

INSERT INTO public.payment_recovery (id, customer_id, invoice_id, event_id, amount, currency_code, retries, failed_at)
SELECT pg_temp.id_of(who, '000e'), pg_temp.id_of(who, '0001'), 'inv-' || who, pg_temp.id_of(who, '000e'), 9900, 'USD', 4,
    now()
FROM cast_member;

INSERT INTO public.referral (id, referrer_id, referred_email, code)
SELECT pg_temp.id_of(who, '000b'), pg_temp.id_of(who, '0001'), 'friend-of-' || who || '@cast.example', 'CODE-' || who
FROM cast_member;

INSERT INTO public.referral_reward (id, referral_id, customer_id, amount)
SELECT pg_temp.id_of(who, '000c'), pg_temp.id_of(who, '000b'), pg_temp.id_of(who, '0001'), 5000 FROM cast_member;

INSERT INTO public.data_deletion_request (id, customer_id, status, cancelled_at)
SELECT pg_temp.id_of(who, '000d'), pg_temp.id_of(who, '0001'), 'cancelled', now() FROM cast_member;

-- chargebee

INSERT INTO chargebee.customer (id, email, created_at, updated_at, resource_version)
SELECT 'cust-' || who, lower(name) || '@cast.example', now(), now(), 1 FROM cast_member
UNION ALL
-- Not known here yet.
SELECT 'cust-new', NULL, now(), now(), 1;

INSERT INTO chargebee.customer (id, created_at, updated_at, resource_version, deleted)
VALUES ('cust-gone', now(), now(), 1, true);

INSERT INTO chargebee.subscription
    (id, customer_id, status, currency_code, cf_contract_id, created_at, updated_at, resource_version, deleted)
SELECT 'sub-' || who, 'cust-' || who, 'active', 'USD', pg_temp.id_of(who, '0003')::text, now(), now(), 1, false
FROM cast_member
UNION ALL
SELECT 'sub-over-' || who, 'cust-' || who, 'cancelled', 'USD', NULL, now(), now(), 1, false FROM cast_member
UNION ALL
SELECT 'sub-gone-' || who, 'cust-' || who, 'active', 'USD', NULL, now(), now(), 1, true FROM cast_member
UNION ALL
SELECT 'sub-new', 'cust-new', 'active', 'USD', NULL, now(), now(), 1, false;

INSERT INTO chargebee.invoice
    (id, customer_id, subscription_id, status, date, currency_code, sub_total, total, updated_at, resource_version, deleted)
SELECT 'inv-' || who, 'cust-' || who, 'sub-' || who, 'paid', now(), 'USD', 9900, 9900, now(), 5, false FROM cast_member
UNION ALL
SELECT 'inv-gone-' || who, 'cust-' || who, 'sub-' || who, 'voided', now(), 'USD', 9900, 9900, now(), 5, true
FROM cast_member;

INSERT INTO chargebee.invoice_line_item
    (id, invoice_id, customer_id, entity_type, description, unit_amount, amount, updated_at, resource_version, deleted)
SELECT 'line-' || what || who, 'inv-' || who, 'cust-' || who, 'adhoc', 'Visit', 9900, 9900, now(), 5, deleted
FROM cast_member, (VALUES ('', false), ('gone-', true)) AS line (what, deleted);

INSERT INTO chargebee.transaction
    (id, customer_id, invoice_id, type, status, date, currency_code, amount, updated_at, resource_version, deleted)
SELECT 'txn-' || what || who, 'cust-' || who, 'inv-' || who, 'payment', 'success', now(), 'USD', 9900, now(), 5, deleted
FROM cast_member, (VALUES ('', false), ('gone-', true)) AS paid (what, deleted);

INSERT INTO chargebee.credit_note
    (id, customer_id, reference_invoice_id, type, status, date, currency_code, sub_total, total, updated_at,
     resource_version, deleted)
SELECT 'cn-' || what || who, 'cust-' || who, 'inv-' || who, 'store', 'refund_due', now(), 'USD', 100, 100, now(), 5, deleted
FROM cast_member, (VALUES ('', false), ('gone-', true)) AS credited (what, deleted);

INSERT INTO chargebee.item_price (id, name, item_id, item_type, currency_code, created_at, updated_at, resource_version, deleted)
VALUES ('price-gone', 'Gone', 'gone', 'plan', 'USD', now(), now(), 1, true);

-- healthcare

INSERT INTO healthcare.patient (id, customer_id, preferred_pharmacy_id)
SELECT pg_temp.id_of(who, '0002'), pg_temp.id_of(who, '0001'), pg_temp.id_of('f', '0010') FROM cast_member;

-- Olga was once in Pete's care, and has been in Gail's, who has left.
INSERT INTO healthcare.care_team (id, patient_id, staff_id, status)
SELECT pg_temp.id_of(who, '0011'), pg_temp.id_of(who, '0002'), doctor, 'active' FROM cast_member
UNION ALL
SELECT pg_temp.id_of('a', '1011'), pg_temp.id_of('a', '0002'), pg_temp.id_of('e', '0002'), 'inactive'
UNION ALL
SELECT pg_temp.id_of('a', '2011'), pg_temp.id_of('a', '0002'), pg_temp.id_of('e', '0004'), 'active';

INSERT INTO healthcare.encounter (id, patient_id, staff_id, type, period_start)
SELECT pg_temp.id_of(who, '0012'), pg_temp.id_of(who, '0002'), doctor, 'video', now() FROM cast_member;

INSERT INTO healthcare.questionnaire_response (id, patient_id, treatment_id, questionnaire, item)
SELECT pg_temp.id_of(who, '0013'), pg_temp.id_of(who, '0002'), pg_temp.id_of('f', '0001'), 'intake/1',
    jsonb_build_array(jsonb_build_object('linkId', 'secret', 'answer', name))
FROM cast_member;

INSERT INTO healthcare.condition (id, patient_id, encounter_id, recorder_id, code_system, code, code_display)
SELECT pg_temp.id_of(who, '0014'), pg_temp.id_of(who, '0002'), pg_temp.id_of(who, '0012'), doctor, 'icd', 'E66', 'Obesity'
FROM cast_member;

INSERT INTO healthcare.allergy_intolerance (id, patient_id, recorder_id, code_system, code, code_display, category)
SELECT pg_temp.id_of(who, '0015'), pg_temp.id_of(who, '0002'), doctor, 'snomed', '1', 'Peanut', 'food' FROM cast_member;

INSERT INTO healthcare.observation
    (id, patient_id, performer_id, category, code_system, code, code_display, value_quantity, value_unit, effective_date_time)
SELECT pg_temp.id_of(who, '0016'), pg_temp.id_of(who, '0002'), doctor, 'vital_signs', 'loinc', '29463-7', 'Weight', 80, 'kg', now()
FROM cast_member;

-- 0017 is signed and shared, 0018 neither.
INSERT INTO healthcare.clinical_note (id, patient_id, author_id, title, body, status, shared_with_patient, signed_at)
SELECT pg_temp.id_of(who, '0017'), pg_temp.id_of(who, '0002'), doctor, 'Visit', 'As discussed.', 'final', true, now()
FROM cast_member
UNION ALL
SELECT pg_temp.id_of(who, '0018'), pg_temp.id_of(who, '0002'), doctor, 'Thoughts', 'To be checked.', 'preliminary', false, NULL
FROM cast_member;

-- 0019 is signed, 001a a draft, 001c given up before it was signed. 001d is neither the one nor the other: a draft that
-- Gail has signed, which nobody should take for a prescription.
INSERT INTO healthcare.prescription
    (id, patient_id, requester_id, medication_id, status, signed_at, dosage_instruction, quantity, quantity_unit, days_supply,
     contract_id)
SELECT pg_temp.id_of(who, what), pg_temp.id_of(who, '0002'), coalesce(requester, doctor), pg_temp.id_of('f', medication),
    status, signed_at, 'Daily', 30, '{tbl}', 30, pg_temp.id_of(who, '0003')
FROM cast_member, (VALUES
    ('0019', NULL, '0020', 'active', now()),
    ('001a', NULL, '0022', 'draft', NULL),
    ('001c', NULL, '0022', 'cancelled', NULL),
    ('001d', pg_temp.id_of('e', '0004'), '0022', 'draft', now())
) AS prescribed (what, requester, medication, status, signed_at);

-- 001b is shipped; the others should not be.
INSERT INTO healthcare.prescription_fill (id, prescription_id, pharmacy_id, fill_number, status, quantity, days_supply)
SELECT pg_temp.id_of(who, what), pg_temp.id_of(who, prescription), pg_temp.id_of('f', '0010'), 0, 'shipped', 30, 30
FROM cast_member, (VALUES ('001b', '0019'), ('001e', '001c'), ('001f', '001d')) AS fill (what, prescription);

DROP FUNCTION pg_temp.id_of(text, text);
DROP TABLE cast_member;
