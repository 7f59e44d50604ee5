-- One stand-in's file. Everything is created when missing, so that a newer program opens an older file.

-- The service's objects as it would send them.
CREATE TABLE IF NOT EXISTS document (
    kind             TEXT NOT NULL,
    id               TEXT NOT NULL,
    -- Seconds since the epoch, of the service's clock.
    created_at       INTEGER NOT NULL,
    updated_at       INTEGER NOT NULL,
    resource_version INTEGER NOT NULL,
    deleted          INTEGER NOT NULL DEFAULT 0,
    body             TEXT NOT NULL,
    PRIMARY KEY (kind, id)
);

-- Listings go by change, a page after another.
CREATE INDEX IF NOT EXISTS document_by_change ON document (kind, updated_at, id);
CREATE INDEX IF NOT EXISTS document_by_creation ON document (kind, created_at, id);

-- Numbers handed out: ids of invoices, the last resource_version.
CREATE TABLE IF NOT EXISTS counter (
    name  TEXT PRIMARY KEY,
    value INTEGER NOT NULL
);

-- What operators and tests set: the clock, where webhooks go, which cards are declined. Values are JSON.
CREATE TABLE IF NOT EXISTS setting (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

-- Every request of a client, with what it was answered. Credentials are not kept.
CREATE TABLE IF NOT EXISTS received (
    seq             INTEGER PRIMARY KEY AUTOINCREMENT,
    -- RFC 3339, real time, whatever the service's clock says.
    at              TEXT NOT NULL,
    method          TEXT NOT NULL,
    path            TEXT NOT NULL,
    query           TEXT NOT NULL,
    idempotency_key TEXT,
    traceparent     TEXT,
    body            TEXT,
    -- Null when the connection was dropped without an answer.
    status          INTEGER,
    -- The answer came from the memory of an earlier request with the same key.
    replayed        INTEGER NOT NULL,
    -- The fault that was in force, as a sentence.
    fault           TEXT
);

-- Answers kept for idempotency keys.
CREATE TABLE IF NOT EXISTS answer (
    key         TEXT NOT NULL,
    method      TEXT NOT NULL,
    path        TEXT NOT NULL,
    -- Of the request's body: the same key must not mean two things.
    fingerprint TEXT NOT NULL,
    kept_until  REAL NOT NULL,
    status      INTEGER NOT NULL,
    body        BLOB NOT NULL,
    PRIMARY KEY (key, method, path)
);

-- Webhooks to send, in order, kept until they arrived or were given up.
CREATE TABLE IF NOT EXISTS webhook (
    seq             INTEGER PRIMARY KEY AUTOINCREMENT,
    event_id        TEXT NOT NULL,
    event_type      TEXT NOT NULL,
    body            TEXT NOT NULL,
    -- pending | held | sent | given_up
    status          TEXT NOT NULL,
    attempts        INTEGER NOT NULL DEFAULT 0,
    next_attempt_at REAL NOT NULL DEFAULT 0,
    last_status     INTEGER
);

CREATE INDEX IF NOT EXISTS webhook_waiting ON webhook (status, next_attempt_at, seq);
