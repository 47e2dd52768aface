-- What tells API keys apart, when they were used, and when they end.

-- How the key's text begins, never enough to guess the rest; empty for earlier keys.
ALTER TABLE api_keys ADD COLUMN prefix TEXT NOT NULL DEFAULT ''
    CONSTRAINT api_keys_prefix_form CHECK (
        prefix = ''
        OR (
            length(prefix) <= 12
            AND substr(prefix, 1, 8) = substr(kind, 1, 1) || 'k_' || mode || '_'
        )
    );

-- What its merchant calls it.
ALTER TABLE api_keys ADD COLUMN name TEXT
    CONSTRAINT api_keys_name_given CHECK (name <> '');

-- When it was used last, give or take a minute.
ALTER TABLE api_keys ADD COLUMN last_used_at INTEGER;

-- From when on it is refused, where it was revoked or replaced.
ALTER TABLE api_keys ADD COLUMN expires_at INTEGER;

-- The keys of a tenant and mode.
CREATE INDEX api_keys_by_scope ON api_keys (merchant_id, mode, created_at, id);
