-- Takes up to $3 of the lanes in $2 that nobody owns ($1: class of the locks). They stay ours until they are released or
-- the session ends.
SELECT candidate.lane
FROM unnest($2::int[]) AS candidate (lane)
WHERE pg_try_advisory_lock($1::int, candidate.lane)
LIMIT $3
