-- A relay that stops takes its row with it: $1 relay.
DELETE FROM events.relay AS r WHERE r.id = $1
