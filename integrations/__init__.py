"""Clients of the systems outside: what they share, and one folder each.

`errors` is the tree of what can go wrong, by what a caller can do about it; `guard` makes a call safe (time-outs,
retries with a budget, circuit breaker, metrics); `client` is what every client is, a guard and connections to close;
`http` is JSON over HTTP under that guard; `settings` are the names of the environment. A client's folder has the same
files everywhere: `settings`, `types` (what goes in and out) and `client`. `telemetry` (logs, traces, metrics) and
`identity` (tokens) serve every program. Nothing here knows of GraphQL, events or the database.
"""
