-- Gives a locked customer who has no account their sign-in: $1 the customer, $2 the uid. What is known stays.
UPDATE public.customer AS c
SET firebase_uid = $2::text
WHERE c.id = $1::text::uuid
RETURNING to_json(c.id)
