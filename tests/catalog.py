"""What a database holds, read from PostgreSQL's own catalogues, so that two databases can be compared."""

from typing import NamedTuple

import asyncpg

OUR_SCHEMAS = ("public", "chargebee", "healthcare", "events", "audit")

_QUERIES = {
    # table, column, type, not null, default or generation expression, identity
    "columns": """
        SELECT n.nspname || '.' || c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
               pg_get_expr(d.adbin, d.adrelid), a.attidentity, a.attgenerated
        FROM pg_attribute a
        JOIN pg_class c ON c.oid = a.attrelid
        JOIN pg_namespace n ON n.oid = c.relnamespace
        LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        WHERE n.nspname = ANY ($1) AND c.relkind IN ('r', 'p', 'v') AND a.attnum > 0 AND NOT a.attisdropped
    """,
    # table, constraint, definition
    "constraints": """
        SELECT n.nspname || '.' || c.relname, o.conname, pg_get_constraintdef(o.oid)
        FROM pg_constraint o
        JOIN pg_class c ON c.oid = o.conrelid
        JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = ANY ($1)
    """,
    # table, index, definition
    "indexes": """
        SELECT n.nspname || '.' || c.relname, i.relname, pg_get_indexdef(i.oid)
        FROM pg_index x
        JOIN pg_class c ON c.oid = x.indrelid
        JOIN pg_class i ON i.oid = x.indexrelid
        JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = ANY ($1)
    """,
    # table, column ('' for the table itself), comment
    "comments": """
        SELECT n.nspname || '.' || c.relname, coalesce(a.attname, ''), d.description
        FROM pg_description d
        JOIN pg_class c ON c.oid = d.objoid AND d.classoid = 'pg_class'::regclass
        JOIN pg_namespace n ON n.oid = c.relnamespace
        LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.objsubid AND d.objsubid > 0
        WHERE n.nspname = ANY ($1) AND c.relkind IN ('r', 'p', 'v')
    """,
}
# These are made by scripts, so there is nothing in the metadata to compare them with.
_FUNCTIONS = """
    SELECT p.oid::regprocedure::text, md5(pg_get_functiondef(p.oid))
    FROM pg_proc p
    JOIN pg_namespace n ON n.oid = p.pronamespace
    WHERE n.nspname = ANY ($1)
"""
_TRIGGERS = """
    SELECT n.nspname || '.' || c.relname, t.tgname, pg_get_triggerdef(t.oid)
    FROM pg_trigger t
    JOIN pg_class c ON c.oid = t.tgrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = ANY ($1) AND NOT t.tgisinternal
"""

Line = tuple[object, ...]


class Declared(NamedTuple):
    """What SQLAlchemy's metadata can declare: sets of tuples that begin with the table's name."""

    columns: frozenset[Line]
    constraints: frozenset[Line]
    indexes: frozenset[Line]
    comments: frozenset[Line]


class Catalog(NamedTuple):
    """All that revisions made."""

    declared: Declared
    functions: frozenset[Line]
    triggers: frozenset[Line]


async def read_catalog(database_url: str) -> Catalog:
    """Everything in the schemas of ours. Names are qualified, definitions as PostgreSQL prints them."""
    connection = await asyncpg.connect(database_url, timeout=10)
    try:
        await connection.execute("SET search_path = pg_catalog")

        async def read(query: str) -> frozenset[Line]:
            return frozenset(tuple(row.values()) for row in await connection.fetch(query, OUR_SCHEMAS, timeout=30))

        return Catalog(
            declared=Declared(**{part: await read(query) for part, query in _QUERIES.items()}),
            functions=await read(_FUNCTIONS),
            triggers=await read(_TRIGGERS),
        )
    finally:
        await connection.close()
