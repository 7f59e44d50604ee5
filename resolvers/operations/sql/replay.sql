-- How many events were put into the outbox once more: $1 their ids, $2 whether under new ids.
SELECT count(*) FROM events.replay($1::text[]::uuid[], $2::boolean)
