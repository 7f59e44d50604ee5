-- Many reads at once into audit.access: an array a column, the tables of a read joined by commas.
INSERT INTO audit.access (role, user_id, operation, tables, row_count, request_id, traceparent, created_at)
SELECT
    r.role, r.user_id, r.operation, string_to_array(r.tables, ','), r.row_count, r.request_id, r.traceparent,
    to_timestamp(r.read_at)
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::integer[], $6::text[], $7::text[], $8::float8[])
    AS r (role, user_id, operation, tables, row_count, request_id, traceparent, read_at)
