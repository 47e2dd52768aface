-- What tells API keys apart, when they were used, and when they end.

ALTER TABLE api_keys
    -- How the key's text begins, never enough to guess the rest; empty for earlier keys.
    ADD COLUMN prefix TEXT COLLATE "C" NOT NULL DEFAULT '',
    -- What its merchant calls it.
    ADD COLUMN name TEXT,
    -- When it was used last, give or take a minute.
    ADD COLUMN last_used_at TIMESTAMPTZ,
    -- From when on it is refused, where it was revoked or replaced.
    ADD COLUMN expires_at TIMESTAMPTZ,
    ADD CONSTRAINT api_keys_prefix_form CHECK (
        prefix = ''
        OR (
            length(prefix) <= 12
            AND substr(prefix, 1, 8) = substr(kind, 1, 1) || 'k_' || mode || '_'
        )
    ),
    ADD CONSTRAINT api_keys_name_given CHECK (name <> '');

-- The keys of a tenant and mode.
CREATE INDEX api_keys_by_scope ON api_keys (merchant_id, mode, created_at, id);
