-- What a customer may see: their own, nothing of anyone else, and nothing any more once their data is deleted.

-- always
me AS (SELECT * FROM public.customer WHERE id = :me AND deleted_at IS NULL),
my_chart AS (SELECT id FROM healthcare.patient WHERE customer_id IN (SELECT id FROM me)),
my_thread AS (SELECT id, staff_id FROM public.message_thread WHERE customer_id IN (SELECT id FROM me)),
my_prescription AS (
    SELECT id, medication_id
    FROM healthcare.prescription
    WHERE patient_id IN (SELECT id FROM my_chart)
        -- A draft is the provider's, also one that was given up.
        AND status <> 'draft' AND signed_at IS NOT NULL
)

-- public.customer
SELECT id FROM me

-- public.staff: who treats them and who writes with them
SELECT staff_id AS id FROM healthcare.care_team WHERE patient_id IN (SELECT id FROM my_chart)
UNION
SELECT staff_id FROM my_thread WHERE staff_id IS NOT NULL

-- public.treatment: what is offered, and what they have
SELECT id FROM public.treatment WHERE active
UNION
SELECT treatment_id FROM public.contract WHERE customer_id IN (SELECT id FROM me)

-- public.contract
SELECT id FROM public.contract WHERE customer_id IN (SELECT id FROM me)

-- public.message_thread
SELECT id FROM my_thread

-- public.message
SELECT id FROM public.message WHERE thread_id IN (SELECT id FROM my_thread)

-- public.notification: those that the portal shows
SELECT id
FROM public.notification
WHERE customer_id IN (SELECT id FROM me) AND channel = 'portal' AND status NOT IN ('queued', 'failed', 'suppressed')

-- public.referral
SELECT id FROM public.referral WHERE referrer_id IN (SELECT id FROM me)

-- public.referral_reward
SELECT id FROM public.referral_reward WHERE customer_id IN (SELECT id FROM me)

-- public.data_deletion_request
SELECT id FROM public.data_deletion_request WHERE customer_id IN (SELECT id FROM me)

-- chargebee.subscription
SELECT id FROM chargebee.subscription WHERE customer_id IN (SELECT chargebee_customer_id FROM me) AND NOT deleted

-- chargebee.invoice
SELECT id FROM chargebee.invoice WHERE customer_id IN (SELECT chargebee_customer_id FROM me) AND NOT deleted

-- chargebee.invoice_line_item
SELECT id FROM chargebee.invoice_line_item WHERE customer_id IN (SELECT chargebee_customer_id FROM me) AND NOT deleted

-- chargebee.transaction
SELECT id FROM chargebee.transaction WHERE customer_id IN (SELECT chargebee_customer_id FROM me) AND NOT deleted

-- chargebee.contract
SELECT id::text AS id FROM public.contract WHERE customer_id IN (SELECT id FROM me)

-- healthcare.patient
SELECT id FROM my_chart

-- healthcare.care_team
SELECT id FROM healthcare.care_team WHERE patient_id IN (SELECT id FROM my_chart)

-- healthcare.encounter
SELECT id FROM healthcare.encounter WHERE patient_id IN (SELECT id FROM my_chart)

-- healthcare.questionnaire_response
SELECT id FROM healthcare.questionnaire_response WHERE patient_id IN (SELECT id FROM my_chart)

-- healthcare.observation
SELECT id FROM healthcare.observation WHERE patient_id IN (SELECT id FROM my_chart)

-- healthcare.clinical_note: those marked as shared
SELECT id FROM healthcare.clinical_note WHERE patient_id IN (SELECT id FROM my_chart) AND shared_with_patient

-- healthcare.prescription
SELECT id FROM my_prescription

-- healthcare.prescription_fill
SELECT id FROM healthcare.prescription_fill WHERE prescription_id IN (SELECT id FROM my_prescription)

-- healthcare.medication: what they were prescribed
SELECT medication_id AS id FROM my_prescription

-- healthcare.pharmacy
SELECT id FROM healthcare.pharmacy WHERE active
