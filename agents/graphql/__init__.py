"""How agents read and write: typed operations over the GraphQL endpoint, and nothing else.

- `documents`: the `.graphql` files that hold every operation; they are the source, typed by the `operations.py` beside.
- `operations`: a named operation with its variables and the type of its answer.
- `combination`: several mutations as one, which the endpoint runs in one transaction.
- `client`: sends them, as role `service`, with this agent's ID token and the trace of the event at hand.
- `errors`: the endpoint's refusals by what a caller can do about them.
"""
