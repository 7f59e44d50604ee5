-- Takes a deletion request into work, and locks its customer's rows away from everyone but admin: $1 the request. Gives, as
-- JSON, how it stands, which steps are done, and by which ids other systems know the person; a request that was
-- cancelled or concluded gives no more than its status. No row when there is none.
WITH request AS (
    SELECT d.id, d.customer_id, d.status
    FROM public.data_deletion_request AS d
    WHERE d.id = $1::text::uuid
    FOR UPDATE
),
begun AS (
    UPDATE public.data_deletion_request AS d
    SET status = 'processing', started_at = coalesce(d.started_at, now())
    FROM request AS r
    WHERE d.id = r.id AND r.status = 'pending'
),
locked AS (
    UPDATE public.customer AS c
    SET deleted_at = now()
    FROM request AS r
    WHERE c.id = r.customer_id AND r.status = 'pending' AND c.deleted_at IS NULL
)
SELECT CASE WHEN r.status IN ('pending', 'processing') THEN json_build_object(
    'status', 'processing',
    'customer_id', c.id,
    'steps', (
        SELECT coalesce(json_agg(s.step ORDER BY s.created_at), '[]'::json)
        FROM public.data_deletion_step AS s
        WHERE s.request_id = r.id AND NOT s.proof ? 'planned'
    ),
    -- What a step that isn't done has found to do, so that whoever goes on with it knows all of it.
    'planned', (
        SELECT coalesce(json_object_agg(s.step, s.proof -> 'planned'), '{}'::json)
        FROM public.data_deletion_step AS s
        WHERE s.request_id = r.id AND s.proof ? 'planned'
    ),
    'firebase_uid', c.firebase_uid,
    'email', c.email,
    'zendesk_user_id', c.zendesk_user_id,
    'chargebee_customer_id', c.chargebee_customer_id,
    'open_order_ids', (
        SELECT coalesce(json_agg(f.pharmacy_order_id ORDER BY f.id), '[]'::json)
        FROM healthcare.prescription_fill AS f
        JOIN healthcare.prescription AS p ON p.id = f.prescription_id
        JOIN healthcare.patient AS t ON t.id = p.patient_id
        WHERE t.customer_id = c.id AND f.pharmacy_order_id IS NOT NULL AND f.status IN ('queued', 'sent', 'accepted')
    ),
    -- An order that was made, and not written down yet.
    'next_fills', (
        SELECT coalesce(
            json_agg(json_build_object(
                'prescription_id', p.id,
                'fill_number', (
                    SELECT coalesce(max(f.fill_number) + 1, 0)
                    FROM healthcare.prescription_fill AS f
                    WHERE f.prescription_id = p.id
                )
            ) ORDER BY p.id),
            '[]'::json
        )
        FROM healthcare.prescription AS p
        JOIN healthcare.patient AS t ON t.id = p.patient_id
        WHERE t.customer_id = c.id AND p.signed_at IS NOT NULL
    )
) ELSE json_build_object('status', r.status) END
FROM request AS r
JOIN public.customer AS c ON c.id = r.customer_id
