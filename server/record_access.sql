-- Many reads at once into audit.access: an array a column, the tables of a read joined by commas. The ids come with them,
-- so that a batch whose acknowledgement was lost is not written twice; PostgreSQL's default would also cost each row as
-- much as everything else here does.
INSERT INTO audit.access (id, role, user_id, operation, tables, row_count, request_id, traceparent, created_at)
SELECT
    r.id, r.role, r.user_id, r.operation, string_to_array(r.tables, ','), r.row_count, r.request_id, r.traceparent,
    to_timestamp(r.read_at)
FROM unnest(
    $1::text[]::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::integer[], $7::text[], $8::text[],
    $9::float8[]
) AS r (id, role, user_id, operation, tables, row_count, request_id, traceparent, read_at)
ON CONFLICT (id) DO NOTHING
