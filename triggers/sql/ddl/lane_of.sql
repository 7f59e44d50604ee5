-- The lane of an ordering key (triggers/lanes.py): a hash of it, 0 to {{last_lane}}.
CREATE FUNCTION events.lane_of(key text) RETURNS smallint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (hashtextextended(key, 0) & {{last_lane}})::smallint;

COMMENT ON FUNCTION events.lane_of(text) IS 'The lane of events.outbox that the events of an ordering key are in.';
