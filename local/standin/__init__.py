"""What the stand-ins of outside services share, so that each of them says only what is peculiar to its service.

The way of one request, in `gate`::

    body read ─ fault chosen ─ key seen before? replay ─ the service's handler ─┐ one SQLite transaction:
    answer, late, or none at all ─ recorded in `received` ──────────────────────┘ effect, key, record

- `store`: SQLite file of one stand-in: its documents, what it received, answers kept for idempotency keys, settings.
- `service`: what a service describes of itself: routes, errors in its own format, rules for idempotency keys.
- `faults`: how it can be told to fail, to be slow, to drop connections.
- `webhooks`: what it sends, with retries; can be told to duplicate and reorder.
- `clock`: the service's time, which can be turned.
- `control`: the HTTP surface for tests and operators: `/`, `/healthz`, `/_received`, `/_control`.
- `instruction`: what it can be told, as data; `kit`: what every stand-in can be told.
- `run`: the program around it.
- `watch`: the same list, page and faults in front of an application that is not made of this kit.
"""
