"""How a change becomes an event, and how the event gets to Pub/Sub exactly as its transaction committed it.

The path of one event: a row changes → the generated trigger of its table writes a row of `events.outbox` in the same
transaction (or a program calls `events.publish` for a domain event) → at commit the row is visible, and a relay that
sleeps is woken → the relay that owns the row's lane publishes it with its ordering key and marks it published.

Terms:
    *event type*    a name such as `contract.updated`; says which topic it goes to (`event_types`, `topics`)
    *declared trigger*  which table and operation becomes which event type, with which payload (`declared`)
    *aggregate*     the row that an event is about; its id is the event's subject and ordering key
    *lane*          a hash of the ordering key; one relay at a time owns a lane, which keeps a key's events in order
    *poisoned*      refused by Pub/Sub for what it is, so that trying again cannot help; it becomes a dead letter

What is promised, and which test holds it, stands in `docs/events.md`. This package may rely on `schema` and
`integrations.telemetry`; it knows nothing of GraphQL. Importing it touches neither a database nor the network.
"""
