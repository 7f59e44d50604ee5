-- Whether PostgreSQL knows a time zone by its IANA name: $1 the name.
SELECT to_json(EXISTS (SELECT FROM pg_timezone_names AS z WHERE z.name = $1::text))
