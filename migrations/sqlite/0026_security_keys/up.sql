-- Whoever sorts what came in holds it meanwhile; what is signed is verified, and may be forged.

-- Notifications, as they came in, with who sorts them.
CREATE TABLE inbox_anew (
    -- inb_…
    id TEXT NOT NULL,
    -- gwa_…, of which account.
    gateway_account_id TEXT NOT NULL,
    -- SHA-256 of the body: the same one comes in once.
    digest BLOB NOT NULL,
    -- What it says it is about; of the sender's choice.
    kind TEXT NOT NULL,
    -- What the gateway calls it.
    transmission_id TEXT,
    -- When it was sent, as the gateway has it.
    sent_at TEXT,
    -- How often it was sent before, as the gateway has it.
    retried TEXT,
    -- What proves it, where its kind is signed.
    signature TEXT,
    -- Its bytes.
    body BLOB NOT NULL,
    -- When it came; real time, as all times here.
    received_at INTEGER NOT NULL,
    -- What became of it; WAITING where nothing did yet.
    verdict TEXT NOT NULL,
    -- pay_…, which payment it hints at.
    payment_id TEXT,
    -- From when on it is looked at.
    due_at INTEGER NOT NULL,
    -- Raised by each write; the condition of every one.
    version INTEGER NOT NULL,
    -- wrk_…, who sorts it.
    holder TEXT,
    -- Until when nobody else may, by this database's clock.
    lease_until INTEGER,
    CONSTRAINT inbox_key PRIMARY KEY (gateway_account_id, digest),
    CONSTRAINT inbox_one_per_id UNIQUE (id),
    CONSTRAINT inbox_account FOREIGN KEY (gateway_account_id) REFERENCES gateway_accounts (id),
    CONSTRAINT inbox_payment FOREIGN KEY (payment_id) REFERENCES payments (id),
    CONSTRAINT inbox_id_form CHECK (
        id GLOB 'inb_*' AND length(id) = 38 AND substr(id, 5) NOT GLOB '*[^0-9a-hjkmnp-tv-z]*'
    ),
    CONSTRAINT inbox_digest_size CHECK (length(digest) = 32),
    CONSTRAINT inbox_kind_size CHECK (length(kind) BETWEEN 1 AND 64),
    CONSTRAINT inbox_verdict_word CHECK (verdict IN (
        'WAITING', 'HINTED', 'KNOWN', 'UNKNOWN_ORDER', 'NO_ORDER', 'UNREADABLE', 'UNVERIFIED',
        'VERIFIED', 'FORGED', 'KEY_GONE')),
    CONSTRAINT inbox_version_counted CHECK (version >= 1),
    CONSTRAINT inbox_held_until CHECK ((holder IS NULL) = (lease_until IS NULL))
) STRICT;

INSERT INTO inbox_anew SELECT inbox.*, NULL, NULL FROM inbox;
DROP TABLE inbox;
ALTER TABLE inbox_anew RENAME TO inbox;

-- What is to be looked at, oldest first.
CREATE INDEX inbox_due ON inbox (due_at) WHERE verdict = 'WAITING';

-- What came in, by age: the newest to be listed, the oldest to be forgotten.
CREATE INDEX inbox_by_age ON inbox (received_at, id);

-- What gateways sign some of what they tell with: two are good while one takes the other's place.
CREATE TABLE security_keys (
    -- gwa_…, whose.
    gateway_account_id TEXT NOT NULL,
    -- Which of the account's, from 1.
    number INTEGER NOT NULL,
    -- The key, sealed.
    security_key BLOB NOT NULL,
    -- Since when it is kept.
    created_at INTEGER NOT NULL,
    -- From when on it proves nothing: it was replaced or revoked.
    expires_at INTEGER,
    CONSTRAINT security_keys_key PRIMARY KEY (gateway_account_id, number),
    CONSTRAINT security_keys_account
        FOREIGN KEY (gateway_account_id) REFERENCES gateway_accounts (id),
    CONSTRAINT security_keys_counted CHECK (number >= 1)
) STRICT;

-- One of an account's has no end.
CREATE UNIQUE INDEX security_keys_one_lasting ON security_keys (gateway_account_id)
    WHERE expires_at IS NULL;
