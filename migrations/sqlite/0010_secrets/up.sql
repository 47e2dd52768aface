-- Secrets: the keys that seal them, and the credentials of accounts at gateways, sealed.

CREATE TABLE data_keys (
    -- dek_…, which every value it sealed names.
    id TEXT NOT NULL,
    -- Whose.
    merchant_id TEXT NOT NULL,
    -- Which master key it is wrapped with.
    master_key_id TEXT NOT NULL,
    -- The key, wrapped: a version byte, a nonce, 32 bytes, a tag.
    wrapped BLOB NOT NULL,
    -- Since when.
    created_at INTEGER NOT NULL,
    CONSTRAINT data_keys_key PRIMARY KEY (id),
    CONSTRAINT data_keys_one_per_merchant UNIQUE (merchant_id),
    CONSTRAINT data_keys_merchant FOREIGN KEY (merchant_id) REFERENCES merchants (id),
    CONSTRAINT data_keys_id_form CHECK (
        id GLOB 'dek_*' AND length(id) = 38 AND substr(id, 5) NOT GLOB '*[^0-9a-hjkmnp-tv-z]*'
    ),
    CONSTRAINT data_keys_master_key_id_form CHECK (
        length(master_key_id) BETWEEN 1 AND 32 AND master_key_id NOT GLOB '*[^0-9A-Za-z_-]*'
    ),
    CONSTRAINT data_keys_wrapped_size CHECK (length(wrapped) = 61)
) STRICT;

ALTER TABLE gateway_accounts
    -- For people.
    ADD COLUMN name TEXT NOT NULL DEFAULT ''
    CONSTRAINT gateway_accounts_name_size CHECK (length(name) <= 100);

ALTER TABLE gateway_accounts
    -- ACTIVE or DISABLED.
    ADD COLUMN status TEXT NOT NULL DEFAULT 'ACTIVE'
    CONSTRAINT gateway_accounts_status_word CHECK (status IN ('ACTIVE', 'DISABLED'));

ALTER TABLE gateway_accounts
    -- What the gateway is called with, sealed.
    ADD COLUMN secret_key BLOB;

ALTER TABLE gateway_accounts
    -- What the payment window is opened with, sealed.
    ADD COLUMN client_key BLOB
    CONSTRAINT gateway_accounts_keys_whole CHECK ((secret_key IS NULL) = (client_key IS NULL));

ALTER TABLE gateway_accounts
    -- Whether the configuration named these keys, and may replace them.
    ADD COLUMN seeded INTEGER NOT NULL DEFAULT FALSE
    CONSTRAINT gateway_accounts_seeded_with_keys CHECK (secret_key IS NOT NULL OR NOT seeded);
