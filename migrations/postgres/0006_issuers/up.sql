-- Whom this service knows under the name that another issuer gave them. Who somebody is there, they are for ever.
CREATE TABLE identities (
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (id),
    created_at BIGINT NOT NULL,
    PRIMARY KEY (issuer, subject)
);
CREATE INDEX identities_of_users ON identities (user_id);

-- Logins at a provider that have begun in some browser and not come back yet. Each comes back once, to whichever node.
CREATE TABLE provider_attempts (
    state_hash BYTEA NOT NULL PRIMARY KEY,
    browser_hash BYTEA NOT NULL,
    provider TEXT NOT NULL,
    nonce TEXT NOT NULL,
    verifier TEXT NOT NULL,
    redirect_uri TEXT NOT NULL,
    return_to TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX provider_attempts_by_expiry ON provider_attempts (expires_at);

-- People whom a provider has shown to be somebody, and who have no nickname here yet.
CREATE TABLE provider_registrations (
    secret_hash BYTEA NOT NULL PRIMARY KEY,
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    nickname TEXT,
    expires_at BIGINT NOT NULL
);
CREATE INDEX provider_registrations_by_expiry ON provider_registrations (expires_at);
