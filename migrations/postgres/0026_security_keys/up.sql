-- Whoever sorts what came in holds it meanwhile; what is signed is verified, and may be forged.

ALTER TABLE inbox
    -- wrk_…, who sorts it.
    ADD COLUMN holder TEXT COLLATE "C",
    -- Until when nobody else may, by this database's clock.
    ADD COLUMN lease_until TIMESTAMPTZ,
    ADD CONSTRAINT inbox_held_until CHECK ((holder IS NULL) = (lease_until IS NULL)),
    DROP CONSTRAINT inbox_verdict_word,
    ADD CONSTRAINT inbox_verdict_word CHECK (verdict IN (
        'WAITING', 'HINTED', 'KNOWN', 'UNKNOWN_ORDER', 'NO_ORDER', 'UNREADABLE', 'UNVERIFIED',
        'VERIFIED', 'FORGED', 'KEY_GONE'));

-- What gateways sign some of what they tell with: two are good while one takes the other's place.
CREATE TABLE security_keys (
    -- gwa_…, whose.
    gateway_account_id TEXT COLLATE "C" NOT NULL,
    -- Which of the account's, from 1.
    number BIGINT NOT NULL,
    -- The key, sealed.
    security_key BYTEA NOT NULL,
    -- Since when it is kept.
    created_at TIMESTAMPTZ NOT NULL,
    -- From when on it proves nothing: it was replaced or revoked.
    expires_at TIMESTAMPTZ,
    CONSTRAINT security_keys_key PRIMARY KEY (gateway_account_id, number),
    CONSTRAINT security_keys_account
        FOREIGN KEY (gateway_account_id) REFERENCES gateway_accounts (id),
    CONSTRAINT security_keys_counted CHECK (number >= 1)
);

-- One of an account's has no end.
CREATE UNIQUE INDEX security_keys_one_lasting ON security_keys (gateway_account_id)
    WHERE expires_at IS NULL;
