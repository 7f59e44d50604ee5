-- Lets one decision at a time pass about the contracts of a customer: $1 the id of one of them. What is being written
-- isn't waited for: no row is locked.
SELECT to_json(count(pg_advisory_xact_lock(hashtextextended('contracts:' || k.customer_id, 1))))
FROM public.contract AS k
WHERE k.id = $1::text::uuid
