-- One table with a column of every kind that pages are sorted by: values that repeat, nulls, and texts that bite.

CREATE TYPE mood AS ENUM ('low', 'middle', 'high');

CREATE TABLE reading (
    id integer PRIMARY KEY,
    owner integer NOT NULL,
    level integer NOT NULL,
    kind text,
    score numeric,
    amount bigint,
    ratio double precision,
    day date,
    at timestamptz,
    mood mood,
    flag boolean,
    note jsonb,
    secret text NOT NULL
);

INSERT INTO reading
SELECT
    n,
    n % 3,
    n % 4,
    (ARRAY['', 'plain', 'O''Brien', 'back\slash', 'ümlaut', '"quoted"', 'plain', NULL])[1 + n % 8],
    CASE WHEN n % 5 > 0 THEN (n % 7) * 1234567890123456789.000000001 END,
    CASE WHEN n % 6 > 0 THEN 9007199254740993 + n % 3 END,
    CASE n % 9 WHEN 0 THEN NULL WHEN 1 THEN 'NaN' WHEN 2 THEN '-Infinity' ELSE 1.0 / (n % 4 + 1) END,
    CASE WHEN n % 7 > 1 THEN date '2024-01-30' + (n % 11) * 20 END,
    CASE WHEN n % 4 > 0 THEN timestamptz '2024-02-28 23:59:59.123456+00' + (n % 13) * interval '7 hours' END,
    (ARRAY['low', 'middle', 'high', NULL]::mood[])[1 + n % 4],
    CASE WHEN n % 3 > 0 THEN n % 2 = 0 END,
    '{}',
    'secret ' || n
FROM generate_series(1, 60) AS n;

CREATE TABLE place (id integer PRIMARY KEY, area box, papers json);

CREATE TABLE other (id integer PRIMARY KEY, level integer NOT NULL);
INSERT INTO other SELECT n, n % 4 FROM generate_series(1, 5) AS n;
