"""The chargebee agent: see README.md.

- `handlers`: our customers and contracts, out to Chargebee.
- `pages`, `reading`: Chargebee's resources, in to the mirror; `etl`: each minute, `backfill`: everything.
- `differences`, `reconcile`: both compared. `cli`: the commands.
"""
