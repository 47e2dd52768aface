-- The ledger and the event log: append-only, by trigger too.

CREATE TABLE entries (
    -- The order of booking.
    position INTEGER NOT NULL,
    -- Whose books.
    merchant_id TEXT NOT NULL,
    -- test or live.
    mode TEXT NOT NULL,
    -- At which gateway account the money moved.
    gateway_account_id TEXT NOT NULL,
    -- Of which authentication.
    payment_key TEXT NOT NULL,
    -- Which movement of it: capture, or cancel:<transaction key>.
    movement TEXT NOT NULL,
    -- For which payment.
    payment_id TEXT NOT NULL,
    -- Which saga found or caused it.
    saga_id TEXT,
    -- The account that grows.
    debit TEXT NOT NULL,
    -- The account that gives.
    credit TEXT NOT NULL,
    -- ISO 4217 code.
    currency TEXT NOT NULL,
    -- How much, in minor units.
    amount INTEGER NOT NULL,
    -- The gateway's name of the movement, where it was shown.
    transaction_key TEXT,
    -- When the gateway says it happened.
    occurred_at INTEGER,
    -- When it was booked.
    booked_at INTEGER NOT NULL,
    CONSTRAINT entries_key PRIMARY KEY (position),
    CONSTRAINT entries_one_per_movement UNIQUE (gateway_account_id, payment_key, movement),
    CONSTRAINT entries_payment FOREIGN KEY (payment_id) REFERENCES payments (id),
    CONSTRAINT entries_mode_word CHECK (mode IN ('test', 'live')),
    CONSTRAINT entries_movement_form CHECK (movement = 'capture' OR movement GLOB 'cancel:?*'),
    CONSTRAINT entries_debit_word CHECK (
        debit IN ('gateway_receivable', 'merchant_payable', 'suspense')
    ),
    CONSTRAINT entries_credit_word CHECK (
        credit IN ('gateway_receivable', 'merchant_payable', 'suspense')
    ),
    CONSTRAINT entries_two_accounts CHECK (debit <> credit),
    CONSTRAINT entries_currency_word CHECK (currency IN ('KRW', 'USD', 'JPY')),
    CONSTRAINT entries_amount_range CHECK (amount > 0 AND amount <= 9007199254740991)
) STRICT;

-- One payment's lines, in the order of booking.
CREATE INDEX entries_by_payment ON entries (payment_id, position);

CREATE TABLE events (
    -- Of which payment.
    payment_id TEXT NOT NULL,
    -- 1 for a payment's first event, without gaps.
    sequence INTEGER NOT NULL,
    -- Whose.
    merchant_id TEXT NOT NULL,
    -- test or live.
    mode TEXT NOT NULL,
    -- What happened.
    kind TEXT NOT NULL,
    -- Status before; none for the first event.
    from_status TEXT,
    -- Status after.
    to_status TEXT NOT NULL,
    -- Who caused it.
    actor TEXT NOT NULL,
    -- Why.
    reason TEXT,
    -- W3C trace id.
    trace_id TEXT NOT NULL,
    -- When, by the service's clock.
    occurred_at INTEGER NOT NULL,
    -- The payload's bytes, published verbatim; without personal data.
    payload BLOB NOT NULL,
    -- The hash of the event before.
    previous_hash BLOB NOT NULL,
    -- This event's hash.
    hash BLOB NOT NULL,
    CONSTRAINT events_key PRIMARY KEY (payment_id, sequence),
    CONSTRAINT events_payment FOREIGN KEY (payment_id) REFERENCES payments (id),
    CONSTRAINT events_sequence_counted CHECK (sequence >= 1),
    CONSTRAINT events_mode_word CHECK (mode IN ('test', 'live')),
    CONSTRAINT events_kind_given CHECK (kind <> ''),
    CONSTRAINT events_from_after_first CHECK ((from_status IS NULL) = (sequence = 1)),
    CONSTRAINT events_actor_word CHECK (
        actor IN ('MERCHANT', 'BUYER', 'OPERATOR', 'SYSTEM', 'GATEWAY')
    ),
    CONSTRAINT events_previous_hash_size CHECK (length(previous_hash) = 32),
    CONSTRAINT events_hash_size CHECK (length(hash) = 32)
) STRICT;

CREATE TRIGGER entries_not_updated BEFORE UPDATE ON entries
BEGIN
    SELECT RAISE(ABORT, 'entries is append-only');
END;
CREATE TRIGGER entries_not_deleted BEFORE DELETE ON entries
BEGIN
    SELECT RAISE(ABORT, 'entries is append-only');
END;
CREATE TRIGGER events_not_updated BEFORE UPDATE ON events
BEGIN
    SELECT RAISE(ABORT, 'events is append-only');
END;
CREATE TRIGGER events_not_deleted BEFORE DELETE ON events
BEGIN
    SELECT RAISE(ABORT, 'events is append-only');
END;
