-- Gives lanes back: $1 class of the locks, $2 lanes.
SELECT pg_advisory_unlock($1::int, given.lane) FROM unnest($2::int[]) AS given (lane)
