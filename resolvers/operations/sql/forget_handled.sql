-- Lets one agent handle events once more: $1 the agent, $2 the events. The others still know that they have.
DELETE FROM events.inbox AS i
WHERE i.agent = $1::text AND i.event_id = ANY ($2::text[]::uuid[])
