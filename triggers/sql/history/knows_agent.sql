-- Whether the agent $1 has ever recorded anything.
SELECT EXISTS (SELECT FROM events.inbox AS i WHERE i.agent = $1::text)
    OR EXISTS (SELECT FROM events.dead_letter AS d WHERE d.agent = $1::text)
    OR EXISTS (SELECT FROM events.delivery AS d WHERE d.agent = $1::text)
