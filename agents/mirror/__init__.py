"""How agents write Chargebee's mirror: the rows of `integrations.chargebee.rows` as upserts, in one transaction.

Two agents do: `chargebee` with what its ETL reads, `event_routing` with what webhooks bring. Both must give the same
rows, so they share these operations.
"""
