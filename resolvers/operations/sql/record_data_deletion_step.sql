-- Notes that a step of a deletion is done, or done again: $1 the request, $2 the step, $3 its proof, as JSON.
INSERT INTO public.data_deletion_step AS s (request_id, step, proof)
VALUES ($1::text::uuid, $2::text, $3::text::jsonb)
ON CONFLICT (request_id, step) DO UPDATE SET proof = excluded.proof
RETURNING to_json(s.proof)
