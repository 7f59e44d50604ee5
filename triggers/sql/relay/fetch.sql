-- What waits in the relay's lanes, oldest first: $1 lanes, $2 keys and $3 topics to leave out, $4 the only topic to
-- take (null: any), $5 rows a lane, $6 rows in all.
--
-- A lane at a time, so that each is a short walk along the key of `waiting` however much waits elsewhere. Events are found
-- by their state and never by "after the last sequence number seen": a transaction that commits late has a low one.
-- One row comes back even when nothing waits: `horizon` is the oldest transaction that still ran when this was read.
-- Data that is large stays behind (null) and is read when its turn comes; `pg_column_compression` tells whether the
-- stored size is the real one. Times stay as PostgreSQL sends them, which the driver would make objects of. The columns
-- are the fields of `OutboxEvent`, in their order.
SELECT
    waiting.*,
    pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS horizon
FROM (SELECT) AS always
LEFT JOIN LATERAL (
    SELECT
        o.sequence,
        coalesce(o.replay_of, o.id)::text AS event_id,
        o.type,
        o.topic,
        o.ordering_key,
        o.subject,
        o.source,
        o.lane,
        o.traceparent,
        timestamptz_send(o.created_at) AS created_at,
        size.data_bytes,
        CASE WHEN size.data_bytes <= 16384 THEN o.data::text END AS data,
        o.replay_to
    FROM unnest($1::smallint[]) AS owned (lane)
    CROSS JOIN LATERAL (
        SELECT o.*
        FROM events.waiting AS w
        JOIN events.outbox AS o ON o.sequence = w.sequence
        WHERE w.lane = owned.lane
            AND o.ordering_key <> ALL ($2::text[])
            AND o.topic <> ALL ($3::text[])
            AND ($4::text IS NULL OR o.topic = $4::text)
        ORDER BY w.sequence
        LIMIT $5::bigint
    ) AS o
    CROSS JOIN LATERAL (
        SELECT
            CASE
                WHEN pg_column_compression(o.data) IS NULL THEN pg_column_size(o.data)
                ELSE octet_length(o.data::text)
            END AS data_bytes
    ) AS size
    ORDER BY o.sequence
    LIMIT $6::bigint
) AS waiting ON true
