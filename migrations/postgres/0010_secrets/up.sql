-- Secrets: the keys that seal them, and the credentials of accounts at gateways, sealed.

CREATE TABLE data_keys (
    -- dek_…, which every value it sealed names.
    id TEXT COLLATE "C" NOT NULL,
    -- Whose.
    merchant_id TEXT COLLATE "C" NOT NULL,
    -- Which master key it is wrapped with.
    master_key_id TEXT COLLATE "C" NOT NULL,
    -- The key, wrapped: a version byte, a nonce, 32 bytes, a tag.
    wrapped BYTEA NOT NULL,
    -- Since when.
    created_at TIMESTAMPTZ NOT NULL,
    CONSTRAINT data_keys_key PRIMARY KEY (id),
    CONSTRAINT data_keys_one_per_merchant UNIQUE (merchant_id),
    CONSTRAINT data_keys_merchant FOREIGN KEY (merchant_id) REFERENCES merchants (id),
    CONSTRAINT data_keys_id_form CHECK (id ~ '^dek_[0-9a-hjkmnp-tv-z]{34}$'),
    CONSTRAINT data_keys_master_key_id_form CHECK (master_key_id ~ '^[0-9A-Za-z_-]{1,32}$'),
    CONSTRAINT data_keys_wrapped_size CHECK (octet_length(wrapped) = 61)
);

ALTER TABLE gateway_accounts
    -- For people.
    ADD COLUMN name TEXT NOT NULL DEFAULT ''
    CONSTRAINT gateway_accounts_name_size CHECK (length(name) <= 100),
    -- ACTIVE or DISABLED.
    ADD COLUMN status TEXT COLLATE "C" NOT NULL DEFAULT 'ACTIVE'
    CONSTRAINT gateway_accounts_status_word CHECK (status IN ('ACTIVE', 'DISABLED')),
    -- What the gateway is called with, sealed.
    ADD COLUMN secret_key BYTEA,
    -- What the payment window is opened with, sealed.
    ADD COLUMN client_key BYTEA
    CONSTRAINT gateway_accounts_keys_whole CHECK ((secret_key IS NULL) = (client_key IS NULL)),
    -- Whether the configuration named these keys, and may replace them.
    ADD COLUMN seeded BOOLEAN NOT NULL DEFAULT FALSE
    CONSTRAINT gateway_accounts_seeded_with_keys CHECK (secret_key IS NOT NULL OR NOT seeded);
