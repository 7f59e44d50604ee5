"""Subscriptions: results that follow the data.

The way of a live query: its document is compiled like a query's (`resolvers.plan`) and rendered so that one statement
answers many subscribers, a row each (`statement`). Subscribers of one such statement are a *group*; those with equal
binds are a *cohort* and share a row and its result. `sources` says which tables the statement reads, and `routes` which
cohorts a changed row can concern. `listener` hears of changes, `group` runs the statement again for whom they concern,
`cohort` compares results and keeps the newest one for each subscriber until it is sent. `queries` ties these together.

A streaming subscription (`T_stream`) is a cohort of its own, whose binds move on with its cursor.

When results may be missed or sent to the wrong subscriber is answered in docs/decisions/live-queries-run-on-change.md.
"""
