-- Everything the catalogue needs of a database, as one JSON document: relations, keys, foreign keys.

WITH RECURSIVE domains AS (
    -- Each domain with what it is over, however many domains lie between, and whether one of them forbids null.
    SELECT d.oid, d.typbasetype AS base, d.typnotnull AS not_null FROM pg_type AS d WHERE d.typtype = 'd'
    UNION ALL
    SELECT above.oid, d.typbasetype, above.not_null OR d.typnotnull
    FROM domains AS above
    JOIN pg_type AS d ON d.oid = above.base AND d.typtype = 'd'
),
relations AS (
    SELECT c.oid, n.nspname AS schema, c.relname AS name, c.relkind,
           obj_description(c.oid, 'pg_class') AS comment,
           -- Bits: 8 insert, 4 update, 16 delete; for views this is what auto-updatability and INSTEAD OF triggers allow.
           pg_relation_is_updatable(c.oid, true) AS updatable
    FROM pg_class AS c
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
      AND ($2::boolean OR NOT c.relispartition)
      AND n.nspname = ANY ($1::text[])
),
columns AS (
    SELECT a.attrelid, json_agg(
        json_build_object(
            'name', a.attname,
            'type', coalesce(element.typname, base.typname),
            'schema', coalesce(element_schema.nspname, base_schema.nspname),
            'is_array', element.oid IS NOT NULL,
            'is_enum', coalesce(element.typtype, base.typtype) = 'e',
            'is_row', coalesce(element.typtype, base.typtype) = 'c',
            'is_enum_domain', t.typtype = 'd' AND base.typtype = 'e',
            'nullable', NOT (a.attnotnull OR EXISTS (SELECT FROM domains WHERE domains.oid = t.oid AND not_null)),
            'has_default', a.atthasdef OR a.attidentity <> '',
            'generated', a.attgenerated <> '' OR a.attidentity = 'a',
            'comment', col_description(a.attrelid, a.attnum)
        ) ORDER BY a.attnum
    ) AS items
    FROM pg_attribute AS a
    JOIN relations ON relations.oid = a.attrelid
    JOIN pg_type AS t ON t.oid = a.atttypid
    -- A domain is read and written as what it is a domain over.
    LEFT JOIN (
        SELECT domains.oid, domains.base FROM domains JOIN pg_type AS b ON b.oid = domains.base AND b.typtype <> 'd'
    ) AS domain ON domain.oid = t.oid
    JOIN pg_type AS base ON base.oid = coalesce(domain.base, t.oid)
    JOIN pg_namespace AS base_schema ON base_schema.oid = base.typnamespace
    LEFT JOIN pg_type AS element ON element.oid = base.typelem AND base.typcategory = 'A'
    LEFT JOIN pg_namespace AS element_schema ON element_schema.oid = element.typnamespace
    WHERE a.attnum > 0 AND NOT a.attisdropped
    GROUP BY a.attrelid
),
keys AS (
    SELECT k.conrelid, json_agg(
        json_build_object(
            'name', k.conname,
            'primary', k.contype = 'p',
            'columns', (
                SELECT json_agg(a.attname ORDER BY place.ordinality)
                FROM unnest(k.conkey) WITH ORDINALITY AS place (attnum, ordinality)
                JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = place.attnum
            )
        ) ORDER BY k.conname
    ) AS items
    FROM pg_constraint AS k
    JOIN relations ON relations.oid = k.conrelid
    WHERE k.contype IN ('p', 'u')
    GROUP BY k.conrelid
),
unique_indexes AS (
    -- Unique without a constraint: no conflict target by name, but it makes a relationship single.
    SELECT i.indrelid, json_agg(
        (
            SELECT json_agg(a.attname)
            FROM unnest(i.indkey::smallint[]) AS place (attnum)
            JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = place.attnum
        )
    ) AS items
    FROM pg_index AS i
    JOIN relations ON relations.oid = i.indrelid
    WHERE i.indisunique AND i.indpred IS NULL AND i.indexprs IS NULL
    GROUP BY i.indrelid
),
foreign_keys AS (
    SELECT f.conrelid, json_agg(
        json_build_object(
            'name', f.conname,
            'target_schema', target_schema.nspname,
            'target', target.relname,
            'pairs', (
                SELECT json_agg(json_build_array(here.attname, there.attname) ORDER BY place.ordinality)
                FROM unnest(f.conkey, f.confkey) WITH ORDINALITY AS place (local, remote, ordinality)
                JOIN pg_attribute AS here ON here.attrelid = f.conrelid AND here.attnum = place.local
                JOIN pg_attribute AS there ON there.attrelid = f.confrelid AND there.attnum = place.remote
            )
        ) ORDER BY f.conname
    ) AS items
    FROM pg_constraint AS f
    JOIN relations ON relations.oid = f.conrelid
    JOIN pg_class AS target ON target.oid = f.confrelid
    JOIN pg_namespace AS target_schema ON target_schema.oid = target.relnamespace
    WHERE f.contype = 'f'
      -- A key that refers to a partitioned table stands there once more for each partition.
      AND NOT (target.relispartition AND f.conparentid <> 0)
    GROUP BY f.conrelid
)
SELECT coalesce(json_agg(
    json_build_object(
        'schema', relations.schema,
        'name', relations.name,
        'comment', relations.comment,
        'insertable', relations.updatable & 8 <> 0,
        'updatable', relations.updatable & 4 <> 0,
        'deletable', relations.updatable & 16 <> 0,
        'columns', columns.items,
        'keys', coalesce(keys.items, '[]'),
        'unique', coalesce(unique_indexes.items, '[]'),
        'foreign_keys', coalesce(foreign_keys.items, '[]')
    ) ORDER BY relations.schema, relations.name
), '[]')::text AS catalogue
FROM relations
JOIN columns ON columns.attrelid = relations.oid
LEFT JOIN keys ON keys.conrelid = relations.oid
LEFT JOIN unique_indexes ON unique_indexes.indrelid = relations.oid
LEFT JOIN foreign_keys ON foreign_keys.conrelid = relations.oid
