"""Who reacts: small programs that receive events and write back through the GraphQL endpoint.

An event's way through an agent::

    POST /events                     Pub/Sub pushes it, signed                     runtime.app
      → token, envelope, type        who sent it, what is it, do we want it        runtime.push, events
      → inbox                        done already? then say so                     runtime.processing
      → handler(event, work, …)      outside calls, each with a key of its own     contract/, notification/, zendesk/
      → one mutation                 inbox row + delivery row + what the handler   runtime.record, graphql.combination
                                     wants written + events it publishes: all or nothing
      → 204                          or 503 to have it again, or a dead letter

Pub/Sub delivers at least once; the inbox row, whose key is (agent, event), makes the effect in our database happen
once, and the idempotency key of every outside call does so outside.

Terms: an *agent* is one program with a service account; its *handlers* are functions, one an event type; a *step* is
one outside call; the *write-back* is what a handler wants changed; an *effect* is what a step did, as recorded.

Agents import `integrations` and one another's event types, never the database, never each other.
"""
