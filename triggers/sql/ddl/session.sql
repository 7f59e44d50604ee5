-- Who changes a row, and in which trace: what the endpoint set for the transaction; null outside of it.
--
-- Each of these is a bare expression, which PostgreSQL puts in place of the call. Its names were looked up when it was
-- made, so that it means the same whatever the caller's search path is.
CREATE FUNCTION events.session_variables() RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
RETURN nullif(current_setting('app.session', true), '')::jsonb;

CREATE FUNCTION events.traceparent() RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
RETURN nullif(current_setting('app.traceparent', true), '');

-- The trace of a W3C trace context (https://www.w3.org/TR/trace-context/#traceparent-header).
CREATE FUNCTION events.trace_id(traceparent text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN split_part(traceparent, '-', 2);
