CREATE TABLE users (
    id TEXT NOT NULL PRIMARY KEY,
    nickname TEXT NOT NULL,
    nickname_key TEXT NOT NULL UNIQUE,
    secret_hash BYTEA,
    created_at BIGINT NOT NULL
);

CREATE TABLE tokens (
    hash BYTEA NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id),
    created_at BIGINT NOT NULL
);

-- `number` is the order of creation and never given twice.
CREATE TABLE rooms (
    number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL UNIQUE,
    epoch TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    creator_id TEXT NOT NULL,
    creator_nickname TEXT NOT NULL,
    members BIGINT NOT NULL,
    head BIGINT NOT NULL
);

CREATE TABLE records (
    room_id TEXT NOT NULL,
    seq BIGINT NOT NULL,
    at BIGINT NOT NULL,
    kind TEXT NOT NULL,
    sender_id TEXT NOT NULL,
    sender_nickname TEXT NOT NULL,
    body TEXT,
    client_id TEXT,
    PRIMARY KEY (room_id, seq)
);

CREATE TABLE snapshots (
    room_id TEXT NOT NULL PRIMARY KEY,
    seq BIGINT NOT NULL,
    state TEXT NOT NULL
);
