-- What the care coordination team may see: every customer, what they pay and write, status and shipment of what they were
-- prescribed. Nothing clinical; nothing of a deleted customer; nothing for those who left the team.

-- always
me AS (SELECT id FROM public.staff WHERE id = :me AND active),
one AS (SELECT customer.id FROM public.customer, me WHERE deleted_at IS NULL),
deleted AS (SELECT chargebee_customer_id FROM public.customer WHERE deleted_at IS NOT NULL),
billed AS (
    -- Chargebee may know a customer before we do.
    SELECT customer.id
    FROM chargebee.customer, me
    WHERE NOT EXISTS (SELECT FROM deleted WHERE deleted.chargebee_customer_id = customer.id)
),
chart AS (SELECT id FROM healthcare.patient WHERE customer_id IN (SELECT id FROM one))

-- public.customer
SELECT id FROM one

-- public.staff
SELECT staff.id FROM public.staff WHERE EXISTS (SELECT FROM me)

-- public.treatment
SELECT treatment.id FROM public.treatment, me

-- public.contract
SELECT id FROM public.contract WHERE customer_id IN (SELECT id FROM one)

-- public.message_thread
SELECT id FROM public.message_thread WHERE customer_id IN (SELECT id FROM one)

-- public.message
SELECT message.id
FROM public.message
JOIN public.message_thread ON message_thread.id = message.thread_id
WHERE message_thread.customer_id IN (SELECT id FROM one)

-- public.notification
SELECT id FROM public.notification WHERE customer_id IN (SELECT id FROM one)

-- public.support_ticket
SELECT id FROM public.support_ticket WHERE customer_id IN (SELECT id FROM one)

-- public.support_ticket_comment
SELECT support_ticket_comment.id
FROM public.support_ticket_comment
JOIN public.support_ticket ON support_ticket.id = support_ticket_comment.ticket_id
WHERE support_ticket.customer_id IN (SELECT id FROM one)

-- public.payment_recovery
SELECT id FROM public.payment_recovery WHERE customer_id IN (SELECT id FROM one)

-- public.referral
SELECT id FROM public.referral WHERE referrer_id IN (SELECT id FROM one)

-- public.referral_reward
SELECT id FROM public.referral_reward WHERE customer_id IN (SELECT id FROM one)

-- public.data_deletion_request
SELECT id FROM public.data_deletion_request WHERE customer_id IN (SELECT id FROM one)

-- chargebee.customer
SELECT id FROM chargebee.customer WHERE id IN (SELECT id FROM billed) AND NOT deleted

-- chargebee.item_price
SELECT item_price.id FROM chargebee.item_price, me WHERE NOT deleted

-- chargebee.subscription
SELECT id FROM chargebee.subscription WHERE customer_id IN (SELECT id FROM billed) AND NOT deleted

-- chargebee.invoice
SELECT id FROM chargebee.invoice WHERE customer_id IN (SELECT id FROM billed) AND NOT deleted

-- chargebee.invoice_line_item
SELECT id FROM chargebee.invoice_line_item WHERE customer_id IN (SELECT id FROM billed) AND NOT deleted

-- chargebee.transaction
SELECT id FROM chargebee.transaction WHERE customer_id IN (SELECT id FROM billed) AND NOT deleted

-- chargebee.credit_note
SELECT id FROM chargebee.credit_note WHERE customer_id IN (SELECT id FROM billed) AND NOT deleted

-- chargebee.contract
SELECT id::text AS id FROM public.contract WHERE customer_id IN (SELECT id FROM one)

-- healthcare.patient
SELECT id FROM chart

-- healthcare.care_team
SELECT id FROM healthcare.care_team WHERE patient_id IN (SELECT id FROM chart)

-- healthcare.prescription
SELECT id FROM healthcare.prescription WHERE patient_id IN (SELECT id FROM chart)

-- healthcare.prescription_fill
SELECT prescription_fill.id
FROM healthcare.prescription_fill
JOIN healthcare.prescription ON prescription.id = prescription_fill.prescription_id
WHERE prescription.patient_id IN (SELECT id FROM chart)

-- healthcare.pharmacy
SELECT pharmacy.id FROM healthcare.pharmacy, me
