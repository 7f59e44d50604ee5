-- The functions of some schemas, as one JSON document: what they take and what they return.

WITH RECURSIVE domains AS (
    -- Each domain with what it is over, however many domains lie between.
    SELECT d.oid, d.typbasetype AS base FROM pg_type AS d WHERE d.typtype = 'd'
    UNION ALL
    SELECT above.oid, d.typbasetype
    FROM domains AS above
    JOIN pg_type AS d ON d.oid = above.base AND d.typtype = 'd'
),
domain AS (
    SELECT domains.oid, domains.base FROM domains JOIN pg_type AS b ON b.oid = domains.base AND b.typtype <> 'd'
)
SELECT coalesce(json_agg(
    json_build_object(
        'schema', n.nspname,
        'name', p.proname,
        'volatile', p.provolatile = 'v',
        'returns_set', p.proretset,
        'comment', obj_description(p.oid, 'pg_proc'),
        'default_count', p.pronargdefaults,
        'arguments', (
            SELECT coalesce(json_agg(
                json_build_object(
                    'name', coalesce(p.proargnames[place.ordinality], ''),
                    'type', coalesce(element.typname, base.typname),
                    'schema', coalesce(element_schema.nspname, base_schema.nspname),
                    'is_array', element.oid IS NOT NULL,
                    'is_enum', coalesce(element.typtype, base.typtype) = 'e',
                    'is_row', coalesce(element.typtype, base.typtype) = 'c'
                ) ORDER BY place.ordinality
            ), '[]')
            FROM unnest(p.proargtypes::oid[]) WITH ORDINALITY AS place (type_oid, ordinality)
            JOIN pg_type AS t ON t.oid = place.type_oid
            LEFT JOIN domain ON domain.oid = t.oid
            JOIN pg_type AS base ON base.oid = coalesce(domain.base, t.oid)
            JOIN pg_namespace AS base_schema ON base_schema.oid = base.typnamespace
            LEFT JOIN pg_type AS element ON element.oid = base.typelem AND base.typcategory = 'A'
            LEFT JOIN pg_namespace AS element_schema ON element_schema.oid = element.typnamespace
        ),
        'returns', json_build_object(
            'type', coalesce(result_element.typname, result.typname),
            'schema', coalesce(result_element_schema.nspname, result_schema.nspname),
            'is_array', result_element.oid IS NOT NULL,
            'is_enum', coalesce(result_element.typtype, result.typtype) = 'e',
            'is_row', result.typtype = 'c'
        )
    ) ORDER BY n.nspname, p.proname, p.oid
), '[]')::text AS functions
FROM pg_proc AS p
JOIN pg_namespace AS n ON n.oid = p.pronamespace
LEFT JOIN domain AS result_domain ON result_domain.oid = p.prorettype
JOIN pg_type AS result ON result.oid = coalesce(result_domain.base, p.prorettype)
JOIN pg_namespace AS result_schema ON result_schema.oid = result.typnamespace
LEFT JOIN pg_type AS result_element ON result_element.oid = result.typelem AND result.typcategory = 'A'
LEFT JOIN pg_namespace AS result_element_schema ON result_element_schema.oid = result_element.typnamespace
WHERE n.nspname = ANY ($1::text[])
  AND p.prokind = 'f'
  AND p.provariadic = 0
  -- Not an extension's: nobody tracks those, and there may be thousands.
  AND NOT EXISTS (
      SELECT FROM pg_depend AS d
      WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
  )
