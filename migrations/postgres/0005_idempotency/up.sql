-- Idempotency keys: those in use, and those handed out.

CREATE TABLE idempotency_keys (
    -- Whose.
    merchant_id TEXT COLLATE "C" NOT NULL,
    -- test or live.
    mode TEXT COLLATE "C" NOT NULL,
    -- The member it belongs to; empty for the merchant's own server.
    member TEXT COLLATE "C" NOT NULL,
    -- The caller's text.
    key TEXT COLLATE "C" NOT NULL,
    -- SHA-256 over route and body: what a repeat must match.
    fingerprint BYTEA NOT NULL,
    -- About which payment; none where the work moved none.
    payment_id TEXT COLLATE "C",
    -- Whose end is the outcome.
    saga_id TEXT COLLATE "C",
    -- Until then a repeat is told to wait.
    patience_until TIMESTAMPTZ NOT NULL,
    -- When it was first used.
    created_at TIMESTAMPTZ NOT NULL,
    -- The versioned outcome of committed work; none while the saga is open.
    outcome BYTEA,
    CONSTRAINT idempotency_keys_key PRIMARY KEY (merchant_id, mode, member, key),
    CONSTRAINT idempotency_keys_one_per_saga UNIQUE (saga_id),
    CONSTRAINT idempotency_keys_payment FOREIGN KEY (payment_id) REFERENCES payments (id),
    CONSTRAINT idempotency_keys_mode_word CHECK (mode IN ('test', 'live')),
    CONSTRAINT idempotency_keys_key_size CHECK (length(key) BETWEEN 1 AND 255),
    CONSTRAINT idempotency_keys_fingerprint_size CHECK (octet_length(fingerprint) = 32),
    CONSTRAINT idempotency_keys_will_end CHECK (saga_id IS NOT NULL OR outcome IS NOT NULL),
    CONSTRAINT idempotency_keys_of_a_payment CHECK (payment_id IS NOT NULL OR saga_id IS NULL)
);

-- What is past its time, oldest first.
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);

CREATE TABLE issued_keys (
    -- Whose.
    merchant_id TEXT COLLATE "C" NOT NULL,
    -- test or live.
    mode TEXT COLLATE "C" NOT NULL,
    -- The member it was issued for; empty for the merchant's own server.
    member TEXT COLLATE "C" NOT NULL,
    -- Our text.
    key TEXT COLLATE "C" NOT NULL,
    -- Until when its first use must come.
    expires_at TIMESTAMPTZ NOT NULL,
    -- When it was issued.
    created_at TIMESTAMPTZ NOT NULL,
    CONSTRAINT issued_keys_key PRIMARY KEY (merchant_id, mode, member, key),
    CONSTRAINT issued_keys_mode_word CHECK (mode IN ('test', 'live')),
    CONSTRAINT issued_keys_key_size CHECK (length(key) BETWEEN 1 AND 255),
    CONSTRAINT issued_keys_expiry_later CHECK (expires_at > created_at)
);
