"""Tickets in Zendesk that agents open and conclude, and the rows by which the care coordination team sees them.

`support`: open one for a customer, conclude it. `operations`: its rows, through GraphQL.
"""
