-- Tenants, their API keys and their credentials at a gateway.
-- Instants are microseconds since 1970: integers compare and index right.

CREATE TABLE merchants (
    -- mer_…
    id TEXT NOT NULL,
    -- For people.
    name TEXT NOT NULL,
    -- Since when.
    created_at INTEGER NOT NULL,
    CONSTRAINT merchants_key PRIMARY KEY (id),
    CONSTRAINT merchants_id_form CHECK (
        id GLOB 'mer_*' AND length(id) = 38 AND substr(id, 5) NOT GLOB '*[^0-9a-hjkmnp-tv-z]*'
    )
) STRICT;

CREATE TABLE api_keys (
    -- key_…, the row and not the secret.
    id TEXT NOT NULL,
    -- Whose.
    merchant_id TEXT NOT NULL,
    -- test or live.
    mode TEXT NOT NULL,
    -- publishable or secret.
    kind TEXT NOT NULL,
    -- SHA-256 of the key's text; the text itself is kept nowhere.
    hash BLOB NOT NULL,
    -- Since when.
    created_at INTEGER NOT NULL,
    CONSTRAINT api_keys_key PRIMARY KEY (id),
    CONSTRAINT api_keys_one_hash UNIQUE (hash),
    CONSTRAINT api_keys_merchant FOREIGN KEY (merchant_id) REFERENCES merchants (id),
    CONSTRAINT api_keys_id_form CHECK (
        id GLOB 'key_*' AND length(id) = 38 AND substr(id, 5) NOT GLOB '*[^0-9a-hjkmnp-tv-z]*'
    ),
    CONSTRAINT api_keys_mode_word CHECK (mode IN ('test', 'live')),
    CONSTRAINT api_keys_kind_word CHECK (kind IN ('publishable', 'secret')),
    CONSTRAINT api_keys_hash_size CHECK (length(hash) = 32)
) STRICT;

CREATE TABLE gateway_accounts (
    -- gwa_…
    id TEXT NOT NULL,
    -- Whose.
    merchant_id TEXT NOT NULL,
    -- test or live.
    mode TEXT NOT NULL,
    -- Which adapter serves it, for example toss.
    gateway TEXT NOT NULL,
    -- The merchant id at the gateway: given, or pinned at the first capture.
    gateway_merchant_id TEXT,
    -- Raised when the secret key is replaced: the gateway scopes its keys by it.
    credential_version INTEGER NOT NULL,
    -- Since when.
    created_at INTEGER NOT NULL,
    CONSTRAINT gateway_accounts_key PRIMARY KEY (id),
    CONSTRAINT gateway_accounts_merchant FOREIGN KEY (merchant_id) REFERENCES merchants (id),
    CONSTRAINT gateway_accounts_id_form CHECK (
        id GLOB 'gwa_*' AND length(id) = 38 AND substr(id, 5) NOT GLOB '*[^0-9a-hjkmnp-tv-z]*'
    ),
    CONSTRAINT gateway_accounts_mode_word CHECK (mode IN ('test', 'live')),
    CONSTRAINT gateway_accounts_gateway_given CHECK (gateway <> ''),
    CONSTRAINT gateway_accounts_merchant_id_given CHECK (gateway_merchant_id <> ''),
    CONSTRAINT gateway_accounts_credential_counted CHECK (credential_version >= 1)
) STRICT;

-- The accounts of a tenant and mode.
CREATE INDEX gateway_accounts_by_scope ON gateway_accounts (merchant_id, mode, created_at, id);
