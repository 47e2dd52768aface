-- Idempotency keys: those in use, and those handed out.

CREATE TABLE idempotency_keys (
    -- Whose.
    merchant_id TEXT NOT NULL,
    -- test or live.
    mode TEXT NOT NULL,
    -- The member it belongs to; empty for the merchant's own server.
    member TEXT NOT NULL,
    -- The caller's text.
    key TEXT NOT NULL,
    -- SHA-256 over route and body: what a repeat must match.
    fingerprint BLOB NOT NULL,
    -- About which payment; none where the work moved none.
    payment_id TEXT,
    -- Whose end is the outcome.
    saga_id TEXT,
    -- Until then a repeat is told to wait.
    patience_until INTEGER NOT NULL,
    -- When it was first used.
    created_at INTEGER NOT NULL,
    -- The versioned outcome of committed work; none while the saga is open.
    outcome BLOB,
    CONSTRAINT idempotency_keys_key PRIMARY KEY (merchant_id, mode, member, key),
    CONSTRAINT idempotency_keys_one_per_saga UNIQUE (saga_id),
    CONSTRAINT idempotency_keys_payment FOREIGN KEY (payment_id) REFERENCES payments (id),
    CONSTRAINT idempotency_keys_mode_word CHECK (mode IN ('test', 'live')),
    CONSTRAINT idempotency_keys_key_size CHECK (length(key) BETWEEN 1 AND 255),
    CONSTRAINT idempotency_keys_fingerprint_size CHECK (length(fingerprint) = 32),
    CONSTRAINT idempotency_keys_will_end CHECK (saga_id IS NOT NULL OR outcome IS NOT NULL),
    CONSTRAINT idempotency_keys_of_a_payment CHECK (payment_id IS NOT NULL OR saga_id IS NULL)
) STRICT;

-- What is past its time, oldest first.
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);

CREATE TABLE issued_keys (
    -- Whose.
    merchant_id TEXT NOT NULL,
    -- test or live.
    mode TEXT NOT NULL,
    -- The member it was issued for; empty for the merchant's own server.
    member TEXT NOT NULL,
    -- Our text.
    key TEXT NOT NULL,
    -- Until when its first use must come.
    expires_at INTEGER NOT NULL,
    -- When it was issued.
    created_at INTEGER NOT NULL,
    CONSTRAINT issued_keys_key PRIMARY KEY (merchant_id, mode, member, key),
    CONSTRAINT issued_keys_mode_word CHECK (mode IN ('test', 'live')),
    CONSTRAINT issued_keys_key_size CHECK (length(key) BETWEEN 1 AND 255),
    CONSTRAINT issued_keys_expiry_later CHECK (expires_at > created_at)
) STRICT;
