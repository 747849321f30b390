-- Who may: keys kept as keyed hashes, links that sign in once, the sessions of browsers.

ALTER TABLE tenants ADD CONSTRAINT tenant_id_is_a_word
    CHECK (tenant_id ~ '^[a-z0-9][a-z0-9_-]{0,62}$');

-- A hash made without the pepper cannot be turned into one made with it, so keys made before end
-- here, each with its record. `atalaia up` makes the local operator's key again.
SELECT ops.append_audit('access', 'migration 011', 'migration', 'key.revoked', prefix,
                        'kept without a pepper', tenant_id, '-', '{}')
FROM api_keys WHERE revoked_at IS NULL ORDER BY key_id;
UPDATE api_keys SET revoked_at = clock_timestamp() WHERE revoked_at IS NULL;

ALTER TABLE api_keys RENAME COLUMN key_sha256 TO key_hmac;
ALTER TABLE api_keys
    ADD COLUMN expires_at   timestamptz,            -- null: never
    ADD COLUMN last_used_at timestamptz,            -- to within some minutes
    ADD CONSTRAINT key_hmac_is_whole CHECK (octet_length(key_hmac) = 32);
-- A key is found by its prefix, which is no secret, and known by its hash.
CREATE UNIQUE INDEX api_keys_prefix ON api_keys (prefix) WHERE revoked_at IS NULL;
CREATE INDEX api_keys_tenant ON api_keys (tenant_id, key_id);

-- A link is good for some minutes and for one browser.
CREATE TABLE ops.sign_in_links (
    link_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id  text NOT NULL REFERENCES tenants,
    name       text NOT NULL,                       -- who signs in with it
    role       text NOT NULL CHECK (role IN ('viewer', 'auditor', 'operator', 'admin')),
    token_hmac bytea NOT NULL UNIQUE CHECK (octet_length(token_hmac) = 32),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at timestamptz NOT NULL,
    used_at    timestamptz
);

-- A session ends when nobody used it for a while, at its last moment, or when it is ended.
CREATE TABLE ops.sessions (
    session_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    link_id    bigint NOT NULL UNIQUE REFERENCES ops.sign_in_links,  -- one link, one session
    tenant_id  text NOT NULL REFERENCES tenants,
    name       text NOT NULL,
    role       text NOT NULL CHECK (role IN ('viewer', 'auditor', 'operator', 'admin')),
    token_hmac bytea NOT NULL UNIQUE CHECK (octet_length(token_hmac) = 32),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    seen_at    timestamptz NOT NULL DEFAULT clock_timestamp(),       -- to within a minute
    expires_at timestamptz NOT NULL,
    ended_at   timestamptz
);
CREATE INDEX sessions_open ON ops.sessions (session_id) WHERE ended_at IS NULL;
