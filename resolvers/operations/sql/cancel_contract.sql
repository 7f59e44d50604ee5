-- Cancels a locked contract: $1 its id, $2 why, or null. Gives what changed, as JSON.
UPDATE public.contract AS k
SET status = 'cancelled', cancelled_at = now(), cancel_reason = $2::text
WHERE k.id = $1::text::uuid
RETURNING json_build_object('status', k.status, 'cancelled_at', k.cancelled_at, 'cancel_reason', k.cancel_reason)
