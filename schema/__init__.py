"""What exists: tables, the catalogue made of them, and the GraphQL types that a role's view of it gives.

`tables/` declares our own database, `catalogue` is its shape as a value, `view` what a role sees of it, `graphql/`
the types built from a view. Nothing here talks to a database or knows of requests.
"""
