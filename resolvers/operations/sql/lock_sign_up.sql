-- Lets one sign-up at a time pass for a sign-in and for an e-mail address: $1 the uid, $2 the address, or null. There
-- is no row yet that could be locked.
SELECT to_json(count(pg_advisory_xact_lock(hashtextextended(k.key, 1))))
FROM (
    SELECT key FROM unnest(ARRAY['uid:' || $1::text, 'email:' || $2::text]) AS key WHERE key IS NOT NULL ORDER BY key
) AS k
