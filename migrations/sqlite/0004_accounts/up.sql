-- What somebody is on this server (guest, user, admin), when they were last seen, and whether and until when they are
-- banned: banned_at is NULL where they are not, banned_until where it is for ever.
ALTER TABLE users ADD COLUMN role TEXT NOT NULL DEFAULT 'guest';
ALTER TABLE users ADD COLUMN seen_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN banned_at BIGINT;
ALTER TABLE users ADD COLUMN banned_until BIGINT;
ALTER TABLE users ADD COLUMN ban_reason TEXT;

-- Guests of before begin to be idle now.
UPDATE users SET seen_at = CAST(strftime('%s', 'now') AS INTEGER) * 1000;
CREATE INDEX users_by_idleness ON users (role, seen_at);
CREATE INDEX tokens_by_user ON tokens (user_id);

-- Users who log in here, with a password. The hash says how it was made.
CREATE TABLE accounts (
    user_id TEXT NOT NULL PRIMARY KEY REFERENCES users (id),
    login TEXT NOT NULL,
    login_key TEXT NOT NULL UNIQUE,
    email TEXT,
    password_hash TEXT NOT NULL,
    created_at BIGINT NOT NULL
) WITHOUT ROWID;

-- Attempts to log in since the last one that succeeded, by the digest of the login, which need not be there.
CREATE TABLE login_attempts (
    login_hash BLOB NOT NULL PRIMARY KEY,
    attempts BIGINT NOT NULL,
    tried_at BIGINT NOT NULL
) WITHOUT ROWID;
CREATE INDEX login_attempts_by_time ON login_attempts (tried_at);

-- Logins that have not ended, each with the digest of its newest refresh token and how many there were before.
CREATE TABLE logins (
    id TEXT NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL,
    device TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    seen_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    generation BIGINT NOT NULL,
    token_hash BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX logins_by_user ON logins (user_id);
CREATE INDEX logins_by_expiry ON logins (expires_at);

-- Keys that all nodes share: those that sign access tokens, and the one that makes a refresh token of the one before.
CREATE TABLE auth_keys (
    id TEXT NOT NULL PRIMARY KEY,
    purpose TEXT NOT NULL,
    secret BLOB NOT NULL,
    used_from BIGINT NOT NULL,
    good_until BIGINT NOT NULL
) WITHOUT ROWID;

-- What all nodes must hear of at once, such as the end of a login. Kept as long as access tokens of before are good.
CREATE TABLE auth_events (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    at BIGINT NOT NULL,
    kind TEXT NOT NULL,
    user_id TEXT NOT NULL,
    login_id TEXT,
    data TEXT
);
CREATE INDEX auth_events_by_time ON auth_events (at);
