-- A domain event into the outbox: $1 its type, $2 its subject, $3 its data, $4 its id.
SELECT created FROM events.publish($1::text, $2::text, $3::text::jsonb, $4::text::uuid)
