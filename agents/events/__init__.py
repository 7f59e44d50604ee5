"""Events as types: the envelope that all share, and one class an event type with the fields that handlers use.

- `envelope`: CloudEvents attributes, and what Pub/Sub adds.
- `payload`: the bases: a domain event's own fields, a row change's old and new row.
- `contract`, `customer`, `invoice`, `prescription`: the types of each topic.

A class lists what handlers read, not all that is sent: unknown fields are tolerated, missing ones are a
`MalformedEvent`. So a publisher may add fields at any time, and takes one away only when no class names it.
"""
