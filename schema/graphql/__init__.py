"""GraphQL types for one role, named and shaped as in HASURA_DIALECT §1 to §4.

`build.graphql_types(view)` gives the root fields; everything else hangs on them. The compiler walks these very types,
so a field, argument or enum value that is not in them cannot be used by anyone.
"""
