-- Where a subscription stands, as JSON: $1 its id, $2 the customer's. With the contract that it pays for now or next,
-- and the last change of it that somebody asked for.
SELECT json_build_object(
    'status', s.status,
    'item_price_id', s.plan_item_price_id,
    'term_end', s.current_term_end,
    'resource_version', s.resource_version,
    'plan_scheduled', s.has_scheduled_changes,
    'pause_scheduled', s.status = 'active' AND coalesce(s.pause_date > now(), false),
    'contract_cancelled', EXISTS (
        SELECT FROM public.contract AS k
        WHERE k.subscription_id = s.id AND k.customer_id = $2::text::uuid AND k.status = 'cancelled'
    ),
    'contract', (
        SELECT json_build_object('id', k.id, 'treatment_id', k.treatment_id)
        FROM public.contract AS k
        WHERE k.subscription_id = s.id AND k.customer_id = $2::text::uuid AND k.status IN ('future', 'active')
        ORDER BY k.status, k.start_date DESC
        LIMIT 1
    ),
    'requested', (
        SELECT json_build_object('id', o.id, 'data', o.data, 'at', o.created_at)
        FROM events.outbox AS o
        WHERE o.subject = $2::text
            AND o.type = 'subscription.changed'
            AND o.data ->> 'subscription_id' = s.id
            AND o.replay_of IS NULL
        ORDER BY o.sequence DESC
        LIMIT 1
    ),
    'now', now(),
    'today', current_date
)
FROM chargebee.subscription AS s
WHERE s.id = $1::text
