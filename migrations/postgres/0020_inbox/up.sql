-- What gateways tell unasked: where each account is told it, what came in, and which payments are
-- looked at because of it.

CREATE TABLE hook_tokens (
    -- SHA-256 of the token; the token itself is kept nowhere.
    hash BYTEA NOT NULL,
    -- gwa_…, whose notifications come in with it.
    gateway_account_id TEXT COLLATE "C" NOT NULL,
    -- Since when.
    created_at TIMESTAMPTZ NOT NULL,
    -- From when on it lets nothing in: it was replaced or revoked.
    expires_at TIMESTAMPTZ,
    CONSTRAINT hook_tokens_key PRIMARY KEY (hash),
    CONSTRAINT hook_tokens_account
        FOREIGN KEY (gateway_account_id) REFERENCES gateway_accounts (id),
    CONSTRAINT hook_tokens_hash_size CHECK (length(hash) = 32)
);

-- An account's tokens.
CREATE INDEX hook_tokens_by_account ON hook_tokens (gateway_account_id, created_at);

-- Notifications, as they came in.
CREATE TABLE inbox (
    -- inb_…
    id TEXT COLLATE "C" NOT NULL,
    -- gwa_…, of which account.
    gateway_account_id TEXT COLLATE "C" NOT NULL,
    -- SHA-256 of the body: the same one comes in once.
    digest BYTEA NOT NULL,
    -- What it says it is about; of the sender's choice.
    kind TEXT COLLATE "C" NOT NULL,
    -- What the gateway calls it.
    transmission_id TEXT,
    -- When it was sent, as the gateway has it.
    sent_at TEXT,
    -- How often it was sent before, as the gateway has it.
    retried TEXT,
    -- What proves it, where its kind is signed.
    signature TEXT,
    -- Its bytes.
    body BYTEA NOT NULL,
    -- When it came; real time, as all times here.
    received_at TIMESTAMPTZ NOT NULL,
    -- What became of it; WAITING where nothing did yet.
    verdict TEXT COLLATE "C" NOT NULL,
    -- pay_…, which payment it hints at.
    payment_id TEXT COLLATE "C",
    -- From when on it is looked at.
    due_at TIMESTAMPTZ NOT NULL,
    -- Raised by each write; the condition of every one.
    version BIGINT NOT NULL,
    CONSTRAINT inbox_key PRIMARY KEY (gateway_account_id, digest),
    CONSTRAINT inbox_one_per_id UNIQUE (id),
    CONSTRAINT inbox_account FOREIGN KEY (gateway_account_id) REFERENCES gateway_accounts (id),
    CONSTRAINT inbox_payment FOREIGN KEY (payment_id) REFERENCES payments (id),
    CONSTRAINT inbox_id_form CHECK (id ~ '^inb_[0-9a-hjkmnp-tv-z]{34}$'),
    CONSTRAINT inbox_digest_size CHECK (length(digest) = 32),
    CONSTRAINT inbox_kind_size CHECK (length(kind) BETWEEN 1 AND 64),
    CONSTRAINT inbox_verdict_word CHECK (verdict IN (
        'WAITING', 'HINTED', 'KNOWN', 'UNKNOWN_ORDER', 'NO_ORDER', 'UNREADABLE', 'UNVERIFIED',
        'VERIFIED', 'KEY_GONE')),
    CONSTRAINT inbox_version_counted CHECK (version >= 1)
);

-- What is to be looked at, oldest first.
CREATE INDEX inbox_due ON inbox (due_at) WHERE verdict = 'WAITING';

-- What came in, by age: the newest to be listed, the oldest to be forgotten.
CREATE INDEX inbox_by_age ON inbox (received_at, id);

-- Payments that are looked at because somebody said so; one row for each, kept when it is settled.
CREATE TABLE hints (
    -- pay_…, which payment.
    payment_id TEXT COLLATE "C" NOT NULL,
    -- gwa_…, at which account; the payment's.
    gateway_account_id TEXT COLLATE "C" NOT NULL,
    -- gwo_…, by which order it was named last; one of the payment's.
    gateway_order_id TEXT COLLATE "C" NOT NULL,
    -- What is claimed: UNCLEAR, NOTHING_TAKEN or MOVED.
    claim TEXT COLLATE "C" NOT NULL,
    -- Which movement, of MOVED.
    claimed_key TEXT COLLATE "C",
    -- How many looks there were in all.
    turn BIGINT NOT NULL,
    -- How many payment keys were asked about since it was raised.
    asked BIGINT NOT NULL,
    -- How many looks in a row came to nothing.
    looks BIGINT NOT NULL,
    -- When it was looked at last.
    looked_at TIMESTAMPTZ,
    -- When it is looked at next; none where it is settled.
    due_at TIMESTAMPTZ,
    -- Raised by each write and claim; the condition of every write.
    version BIGINT NOT NULL,
    -- wrk_…, who looks at it.
    holder TEXT COLLATE "C",
    -- Until when nobody else may, by this database's clock.
    lease_until TIMESTAMPTZ,
    CONSTRAINT hints_key PRIMARY KEY (payment_id),
    CONSTRAINT hints_payment FOREIGN KEY (payment_id) REFERENCES payments (id),
    CONSTRAINT hints_claim_word CHECK (claim IN ('UNCLEAR', 'NOTHING_TAKEN', 'MOVED')),
    CONSTRAINT hints_claimed_key CHECK ((claim = 'MOVED') = (claimed_key IS NOT NULL)),
    CONSTRAINT hints_counted CHECK (turn >= 0 AND asked >= 0 AND looks >= 0 AND version >= 1),
    CONSTRAINT hints_held_until CHECK ((holder IS NULL) = (lease_until IS NULL))
);

-- What is to be looked at, the longest due first.
CREATE INDEX hints_due ON hints (due_at) WHERE due_at IS NOT NULL;

-- What is settled, by age.
CREATE INDEX hints_settled ON hints (looked_at) WHERE due_at IS NULL;
