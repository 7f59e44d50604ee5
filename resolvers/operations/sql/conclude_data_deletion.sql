-- Ends a deletion with its proof: $1 the request, a locked one. The proof is every step's, and what law keeps. Gives it.
WITH kept AS (
    SELECT jsonb_build_object(
        'tax', jsonb_build_object(
            'public.contract', (SELECT count(*) FROM public.contract AS x WHERE x.customer_id = c.id),
            'public.referral_reward', (SELECT count(*) FROM public.referral_reward AS x WHERE x.customer_id = c.id),
            'chargebee.subscription', (
                SELECT count(*) FROM chargebee.subscription AS x WHERE x.customer_id = c.billing_id
            ),
            'chargebee.invoice', (
                SELECT count(*) FROM chargebee.invoice AS x WHERE x.customer_id = c.billing_id
            ),
            'chargebee.transaction', (
                SELECT count(*) FROM chargebee.transaction AS x WHERE x.customer_id = c.billing_id
            ),
            'chargebee.credit_note', (
                SELECT count(*) FROM chargebee.credit_note AS x WHERE x.customer_id = c.billing_id
            )
        ),
        'medical', jsonb_build_object(
            'healthcare.patient', (SELECT count(*) FROM healthcare.patient AS x WHERE x.customer_id = c.id),
            'healthcare.prescription', (
                SELECT count(*)
                FROM healthcare.prescription AS x JOIN healthcare.patient AS t ON t.id = x.patient_id
                WHERE t.customer_id = c.id
            ),
            'public.message_thread', (SELECT count(*) FROM public.message_thread AS x WHERE x.customer_id = c.id)
        ),
        'audit', 'who changed and who read what, for as long as the law on medical records demands'
    ) AS proof
    FROM public.data_deletion_request AS d
    JOIN (
        -- The chargebee agent makes customers there under our id.
        SELECT p.id, coalesce(p.chargebee_customer_id, p.id::text) AS billing_id FROM public.customer AS p
    ) AS c ON c.id = d.customer_id
    WHERE d.id = $1::text::uuid
)
UPDATE public.data_deletion_request AS d
SET status = 'completed',
    completed_at = now(),
    proof = jsonb_build_object(
        'steps', (
            SELECT jsonb_object_agg(s.step, s.proof || jsonb_build_object('at', s.updated_at))
            FROM public.data_deletion_step AS s
            WHERE s.request_id = d.id
        ),
        'kept', k.proof
    )
FROM kept AS k
WHERE d.id = $1::text::uuid
RETURNING to_json(d.proof)
