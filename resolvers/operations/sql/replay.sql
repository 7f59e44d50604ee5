-- How many events were put into the outbox once more: $1 their ids, $2 whether everything is to happen again, $3 the agent
-- that they are for, or null.
SELECT count(*) FROM events.replay($1::text[]::uuid[], $2::boolean, $3::text)
