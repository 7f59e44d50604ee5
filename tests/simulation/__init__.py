"""Months of payments in minutes: random cards, people in the office, systems that fail, clocks that turn.

Everything that decides is the real thing: the invoice and notification agents over HTTP, their tasks, the ETL, the
endpoint over PostgreSQL, the stand-ins. In place of Pub/Sub and Cloud Tasks `courier` delivers, in order per invoice,
sometimes twice, again until it is acknowledged.

- `courier`: events and due tasks to the agents.
- `fortune`: what befalls cards, invoices and outside systems.
- `run`: the days. `verdict`: what must hold in the end.
- `python -m tests.simulation`: 1,000 subscriptions over 90 days.
"""
