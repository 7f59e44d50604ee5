-- What a clinician may see: the patients whose care team they are on, as long as they work here, and no billing.

-- always
me AS (SELECT id FROM public.staff WHERE id = :me AND active),
my_patient AS (
    SELECT patient.id, patient.customer_id
    FROM healthcare.care_team
    JOIN me ON me.id = care_team.staff_id
    JOIN healthcare.patient ON patient.id = care_team.patient_id
    JOIN public.customer ON customer.id = patient.customer_id
    WHERE care_team.status = 'active'
        -- What law keeps of a deleted customer is for admin alone.
        AND customer.deleted_at IS NULL
)

-- public.customer
SELECT customer_id AS id FROM my_patient

-- public.staff: their colleagues
SELECT staff.id FROM public.staff WHERE EXISTS (SELECT FROM me)

-- public.treatment
SELECT treatment.id FROM public.treatment WHERE EXISTS (SELECT FROM me)

-- public.contract
SELECT id FROM public.contract WHERE customer_id IN (SELECT customer_id FROM my_patient)

-- public.message_thread
SELECT id FROM public.message_thread WHERE customer_id IN (SELECT customer_id FROM my_patient)

-- public.message
SELECT message.id
FROM public.message
JOIN public.message_thread ON message_thread.id = message.thread_id
WHERE message_thread.customer_id IN (SELECT customer_id FROM my_patient)

-- healthcare.patient
SELECT id FROM my_patient

-- healthcare.care_team
SELECT id FROM healthcare.care_team WHERE patient_id IN (SELECT id FROM my_patient)

-- healthcare.encounter
SELECT id FROM healthcare.encounter WHERE patient_id IN (SELECT id FROM my_patient)

-- healthcare.questionnaire_response
SELECT id FROM healthcare.questionnaire_response WHERE patient_id IN (SELECT id FROM my_patient)

-- healthcare.condition
SELECT id FROM healthcare.condition WHERE patient_id IN (SELECT id FROM my_patient)

-- healthcare.allergy_intolerance
SELECT id FROM healthcare.allergy_intolerance WHERE patient_id IN (SELECT id FROM my_patient)

-- healthcare.observation
SELECT id FROM healthcare.observation WHERE patient_id IN (SELECT id FROM my_patient)

-- healthcare.clinical_note
SELECT id FROM healthcare.clinical_note WHERE patient_id IN (SELECT id FROM my_patient)

-- healthcare.prescription
SELECT id FROM healthcare.prescription WHERE patient_id IN (SELECT id FROM my_patient)

-- healthcare.prescription_fill
SELECT prescription_fill.id
FROM healthcare.prescription_fill
JOIN healthcare.prescription ON prescription.id = prescription_fill.prescription_id
WHERE prescription.patient_id IN (SELECT id FROM my_patient)

-- healthcare.medication
SELECT medication.id FROM healthcare.medication WHERE EXISTS (SELECT FROM me)

-- healthcare.pharmacy
SELECT pharmacy.id FROM healthcare.pharmacy WHERE EXISTS (SELECT FROM me)
