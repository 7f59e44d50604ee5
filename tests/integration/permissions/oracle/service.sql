-- What an agent may see: what the agents need, but not what law keeps of a deleted customer; of events, its own inbox.

-- always
kept AS (SELECT id, chargebee_customer_id FROM public.customer WHERE deleted_at IS NOT NULL),
locked_chart AS (SELECT id FROM healthcare.patient WHERE customer_id IN (SELECT id FROM kept)),
locked_billing AS (SELECT chargebee_customer_id AS id FROM kept WHERE chargebee_customer_id IS NOT NULL)

-- public.customer: who is being deleted, until they are
SELECT id FROM public.customer WHERE deleted_at IS NULL OR firebase_uid IS NOT NULL

-- public.staff
SELECT id FROM public.staff

-- public.treatment
SELECT id FROM public.treatment

-- public.contract
SELECT id FROM public.contract WHERE customer_id NOT IN (SELECT id FROM kept)

-- public.notification
SELECT id FROM public.notification

-- public.support_ticket
SELECT id FROM public.support_ticket

-- public.support_ticket_comment
SELECT id FROM public.support_ticket_comment

-- public.payment_recovery
SELECT id FROM public.payment_recovery WHERE customer_id NOT IN (SELECT id FROM kept)

-- public.referral
SELECT id FROM public.referral WHERE referrer_id NOT IN (SELECT id FROM kept)

-- public.referral_reward
SELECT id FROM public.referral_reward WHERE customer_id NOT IN (SELECT id FROM kept)

-- chargebee.customer
SELECT id FROM chargebee.customer WHERE id NOT IN (SELECT id FROM locked_billing)

-- chargebee.item_price
SELECT id FROM chargebee.item_price

-- chargebee.subscription
SELECT id FROM chargebee.subscription WHERE customer_id NOT IN (SELECT id FROM locked_billing)

-- chargebee.invoice
SELECT id FROM chargebee.invoice WHERE customer_id NOT IN (SELECT id FROM locked_billing)

-- chargebee.invoice_line_item
SELECT id FROM chargebee.invoice_line_item WHERE customer_id NOT IN (SELECT id FROM locked_billing)

-- chargebee.transaction
SELECT id FROM chargebee.transaction WHERE customer_id NOT IN (SELECT id FROM locked_billing)

-- chargebee.credit_note
SELECT id FROM chargebee.credit_note WHERE customer_id NOT IN (SELECT id FROM locked_billing)

-- chargebee.sync_cursor
SELECT resource FROM chargebee.sync_cursor

-- chargebee.contract
SELECT id::text AS id FROM public.contract WHERE customer_id NOT IN (SELECT id FROM kept)

-- healthcare.patient
SELECT id FROM healthcare.patient WHERE id NOT IN (SELECT id FROM locked_chart)

-- healthcare.prescription: what was signed
SELECT id
FROM healthcare.prescription
WHERE patient_id NOT IN (SELECT id FROM locked_chart) AND signed_at IS NOT NULL AND status <> 'draft'

-- healthcare.prescription_fill
SELECT prescription_fill.id
FROM healthcare.prescription_fill
JOIN healthcare.prescription ON prescription.id = prescription_fill.prescription_id
WHERE prescription.patient_id NOT IN (SELECT id FROM locked_chart)

-- healthcare.medication
SELECT id FROM healthcare.medication

-- healthcare.pharmacy
SELECT id FROM healthcare.pharmacy

-- events.inbox
SELECT agent, event_id FROM events.inbox WHERE agent = :me
