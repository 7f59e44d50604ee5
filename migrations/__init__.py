"""How the database got here: Alembic revisions, and what runs them.

`versions/` holds the revisions, the functions and views they create stand beside them in `versions/sql/`. A revision
imports nothing living, so that it means next year what it means today; only `env.py` reads `schema/`, to compare.
`runner` applies revisions from Python, `cli` from the command line (`caregraph migrate`).
"""
