"""Hasura v2's metadata and settings: serving a database as Hasura serves it.

`files` reads an exported metadata folder, `metadata` applies it to a reflected catalogue: relationships, permissions,
computed fields, functions, names, inherited roles. What can't be honoured is named, one line each (`Problem`).
"""
