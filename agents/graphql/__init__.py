"""How agents read and write: typed operations over the GraphQL endpoint, and nothing else.

- `documents`: the `.graphql` files that hold every operation; they are the source.
- `generation`: the `operations.py` beside each of them, typed by the committed schema (`make clients`).
- `operations`: a named operation with its variables and the type of its answer.
- `combination`: several mutations as one, which the endpoint runs in one transaction.
- `client`: sends them, as role `service`, with this agent's ID token and the trace of the event at hand.
- `errors`: the endpoint's refusals by what a caller can do about them.
"""
