-- User records of the local Firebase Auth. Times are milliseconds since 1970, `valid_since` is seconds: as its API has them.
CREATE TABLE IF NOT EXISTS account (
  local_id TEXT PRIMARY KEY,
  email TEXT UNIQUE COLLATE NOCASE,
  email_verified INTEGER NOT NULL DEFAULT 0,
  phone_number TEXT UNIQUE,
  display_name TEXT,
  photo_url TEXT,
  disabled INTEGER NOT NULL DEFAULT 0,
  password_hash TEXT,
  password_updated_at INTEGER,
  -- Custom claims, a JSON object in text.
  custom_attributes TEXT NOT NULL DEFAULT '{}',
  -- Copies of what is in the claims, so that accounts are found by them.
  user_id TEXT,
  default_role TEXT,
  created_at INTEGER NOT NULL,
  last_login_at INTEGER,
  -- Tokens from before are refused.
  valid_since INTEGER NOT NULL DEFAULT 0
);

CREATE INDEX IF NOT EXISTS account_user_id ON account (user_id);
CREATE INDEX IF NOT EXISTS account_default_role ON account (default_role);

CREATE TABLE IF NOT EXISTS refresh_token (
  -- SHA-256 of the token.
  digest BLOB PRIMARY KEY,
  local_id TEXT NOT NULL REFERENCES account ON DELETE CASCADE,
  auth_time INTEGER NOT NULL,
  provider TEXT NOT NULL
);

CREATE INDEX IF NOT EXISTS refresh_token_local_id ON refresh_token (local_id);

-- Codes of e-mailed links ("out of band").
CREATE TABLE IF NOT EXISTS oob_code (
  code TEXT PRIMARY KEY,
  request_type TEXT NOT NULL,
  email TEXT NOT NULL COLLATE NOCASE,
  created_at INTEGER NOT NULL
);
