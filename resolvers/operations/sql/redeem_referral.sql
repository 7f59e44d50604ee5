-- Ties a locked referral to the friend who redeems its code: $1 the referral, $2 the customer. Gives its status.
UPDATE public.referral AS r
SET referred_id = $2::text::uuid, status = 'signed_up'
WHERE r.id = $1::text::uuid
RETURNING to_json(r.status)
