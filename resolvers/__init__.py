"""How a GraphQL operation becomes one SQL statement, and its answer bytes.

The way of a request: `document` parses and merges selections, `inputs` checks arguments against the role's types,
`plan/` makes the intermediate representation (`ir`) with the role's filters placed in it, `sql/` renders that to text
and binds, `shape` decides which requests share the result, `execution` runs it and passes PostgreSQL's JSON through.
Changes of several tables are trees of statements (`nested_plans`), carried out step by step (`run_nested`).
Subscriptions go on in `live/`. `engine` ties these together. Nothing here knows of telehealth.
"""
