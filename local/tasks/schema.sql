-- Queues and tasks as their protobuf messages, with what is asked for beside them. Times are seconds since the epoch.
CREATE TABLE IF NOT EXISTS queue (
    name text PRIMARY KEY,
    message blob NOT NULL,
    paused integer NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE IF NOT EXISTS task (
    name text PRIMARY KEY,
    queue text NOT NULL REFERENCES queue (name) ON DELETE CASCADE,
    message blob NOT NULL,
    due_at real NOT NULL,
    first_dispatch_at real
) STRICT;

CREATE INDEX IF NOT EXISTS task_due_idx ON task (due_at);

-- Names that were used and can't be used again for a while.
CREATE TABLE IF NOT EXISTS tombstone (
    name text PRIMARY KEY,
    until real NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS setting (
    name text PRIMARY KEY,
    value real NOT NULL
) STRICT;
