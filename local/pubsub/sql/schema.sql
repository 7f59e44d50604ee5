-- The state of the local Pub/Sub. Configurations are serialized google.pubsub.v1 messages.

CREATE TABLE topic (
    id INTEGER PRIMARY KEY AUTOINCREMENT, -- never used twice: message ids are made from it
    name TEXT NOT NULL,                   -- '_deleted-topic_' once deleted, while subscriptions remain
    config BLOB NOT NULL,
    head INTEGER NOT NULL DEFAULT 0       -- the last sequence number given
);
CREATE UNIQUE INDEX topic_name ON topic (name) WHERE name <> '_deleted-topic_';

-- Sequence numbers count up by one in each topic; rows go when nobody needs them.
CREATE TABLE message (
    topic_id INTEGER NOT NULL REFERENCES topic (id),
    sequence INTEGER NOT NULL,
    published_us INTEGER NOT NULL,        -- never decreases within a topic
    ordering_key TEXT NOT NULL,
    body BLOB NOT NULL,                   -- a PubsubMessage, as it is delivered
    PRIMARY KEY (topic_id, sequence)
) WITHOUT ROWID;

CREATE TABLE subscription (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    topic_id INTEGER REFERENCES topic (id), -- null once detached
    config BLOB NOT NULL,
    born INTEGER NOT NULL,                -- the topic's head when it was created: nothing before is its own
    floor INTEGER NOT NULL                -- everything up to here is acknowledged
);

-- What is acknowledged above the floor.
CREATE TABLE acked (
    subscription_id INTEGER NOT NULL REFERENCES subscription (id) ON DELETE CASCADE,
    sequence INTEGER NOT NULL,
    PRIMARY KEY (subscription_id, sequence)
) WITHOUT ROWID;

-- How often a delivery failed; for delivery attempts, backoff and dead letters.
CREATE TABLE failure (
    subscription_id INTEGER NOT NULL REFERENCES subscription (id) ON DELETE CASCADE,
    sequence INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    PRIMARY KEY (subscription_id, sequence)
) WITHOUT ROWID;

CREATE TABLE snapshot (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    topic_id INTEGER NOT NULL REFERENCES topic (id),
    config BLOB NOT NULL,
    floor INTEGER NOT NULL
);

CREATE TABLE snapshot_acked (
    snapshot_id INTEGER NOT NULL REFERENCES snapshot (id) ON DELETE CASCADE,
    sequence INTEGER NOT NULL,
    PRIMARY KEY (snapshot_id, sequence)
) WITHOUT ROWID;
