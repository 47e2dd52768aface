-- The ledger and the event log: append-only, by trigger too.

CREATE TABLE entries (
    -- The order of booking.
    position BIGINT GENERATED ALWAYS AS IDENTITY,
    -- Whose books.
    merchant_id TEXT COLLATE "C" NOT NULL,
    -- test or live.
    mode TEXT COLLATE "C" NOT NULL,
    -- At which gateway account the money moved.
    gateway_account_id TEXT COLLATE "C" NOT NULL,
    -- Of which authentication.
    payment_key TEXT COLLATE "C" NOT NULL,
    -- Which movement of it: capture, or cancel:<transaction key>.
    movement TEXT COLLATE "C" NOT NULL,
    -- For which payment.
    payment_id TEXT COLLATE "C" NOT NULL,
    -- Which saga found or caused it.
    saga_id TEXT COLLATE "C",
    -- The account that grows.
    debit TEXT COLLATE "C" NOT NULL,
    -- The account that gives.
    credit TEXT COLLATE "C" NOT NULL,
    -- ISO 4217 code.
    currency TEXT COLLATE "C" NOT NULL,
    -- How much, in minor units.
    amount BIGINT NOT NULL,
    -- The gateway's name of the movement, where it was shown.
    transaction_key TEXT COLLATE "C",
    -- When the gateway says it happened.
    occurred_at TIMESTAMPTZ,
    -- When it was booked.
    booked_at TIMESTAMPTZ NOT NULL,
    CONSTRAINT entries_key PRIMARY KEY (position),
    CONSTRAINT entries_one_per_movement UNIQUE (gateway_account_id, payment_key, movement),
    CONSTRAINT entries_payment FOREIGN KEY (payment_id) REFERENCES payments (id),
    CONSTRAINT entries_mode_word CHECK (mode IN ('test', 'live')),
    CONSTRAINT entries_movement_form CHECK (movement = 'capture' OR movement LIKE 'cancel:_%'),
    CONSTRAINT entries_debit_word CHECK (
        debit IN ('gateway_receivable', 'merchant_payable', 'suspense')
    ),
    CONSTRAINT entries_credit_word CHECK (
        credit IN ('gateway_receivable', 'merchant_payable', 'suspense')
    ),
    CONSTRAINT entries_two_accounts CHECK (debit <> credit),
    CONSTRAINT entries_currency_word CHECK (currency IN ('KRW', 'USD', 'JPY')),
    CONSTRAINT entries_amount_range CHECK (amount > 0 AND amount <= 9007199254740991)
);

-- One payment's lines, in the order of booking.
CREATE INDEX entries_by_payment ON entries (payment_id, position);

CREATE TABLE events (
    -- Of which payment.
    payment_id TEXT COLLATE "C" NOT NULL,
    -- 1 for a payment's first event, without gaps.
    sequence BIGINT NOT NULL,
    -- Whose.
    merchant_id TEXT COLLATE "C" NOT NULL,
    -- test or live.
    mode TEXT COLLATE "C" NOT NULL,
    -- What happened.
    kind TEXT COLLATE "C" NOT NULL,
    -- Status before; none for the first event.
    from_status TEXT COLLATE "C",
    -- Status after.
    to_status TEXT COLLATE "C" NOT NULL,
    -- Who caused it.
    actor TEXT COLLATE "C" NOT NULL,
    -- Why.
    reason TEXT,
    -- W3C trace id.
    trace_id TEXT COLLATE "C" NOT NULL,
    -- When, by the service's clock.
    occurred_at TIMESTAMPTZ NOT NULL,
    -- The payload's bytes, published verbatim; without personal data.
    payload BYTEA NOT NULL,
    -- The hash of the event before.
    previous_hash BYTEA NOT NULL,
    -- This event's hash.
    hash BYTEA NOT NULL,
    CONSTRAINT events_key PRIMARY KEY (payment_id, sequence),
    CONSTRAINT events_payment FOREIGN KEY (payment_id) REFERENCES payments (id),
    CONSTRAINT events_sequence_counted CHECK (sequence >= 1),
    CONSTRAINT events_mode_word CHECK (mode IN ('test', 'live')),
    CONSTRAINT events_kind_given CHECK (kind <> ''),
    CONSTRAINT events_from_after_first CHECK ((from_status IS NULL) = (sequence = 1)),
    CONSTRAINT events_actor_word CHECK (
        actor IN ('MERCHANT', 'BUYER', 'OPERATOR', 'SYSTEM', 'GATEWAY')
    ),
    CONSTRAINT events_previous_hash_size CHECK (octet_length(previous_hash) = 32),
    CONSTRAINT events_hash_size CHECK (octet_length(hash) = 32)
);

CREATE FUNCTION refuse_change() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME;
END
$$;

CREATE TRIGGER entries_not_updated BEFORE UPDATE ON entries
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER entries_not_deleted BEFORE DELETE ON entries
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER entries_not_truncated BEFORE TRUNCATE ON entries
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER events_not_updated BEFORE UPDATE ON events
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER events_not_deleted BEFORE DELETE ON events
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER events_not_truncated BEFORE TRUNCATE ON events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
