-- Virtual accounts: where a buyer pays in, the sagas that have them issued, and what banks do with
-- deposits.

ALTER TABLE payments
    -- What the gateway calls the payment that the account was issued for.
    ADD COLUMN account_key TEXT
    CONSTRAINT payments_account_key_size CHECK (length(account_key) BETWEEN 1 AND 200)
    CONSTRAINT payments_account_when_virtual
    CHECK (account_key IS NULL OR kind = 'VIRTUAL_ACCOUNT');
ALTER TABLE payments
    -- At which bank, in the gateway's code.
    ADD COLUMN account_bank TEXT
    CONSTRAINT payments_account_bank_size CHECK (length(account_bank) BETWEEN 1 AND 10);
ALTER TABLE payments
    -- Until when a deposit is taken.
    ADD COLUMN account_due_at INTEGER;
ALTER TABLE payments
    -- Its number, its holder and the secret of its notifications, sealed.
    ADD COLUMN account BLOB;
ALTER TABLE payments
    -- How often the bank took a deposit back.
    ADD COLUMN account_reversals INTEGER
    CONSTRAINT payments_account_reversals_counted
    CHECK (account_reversals BETWEEN 0 AND 4294967295)
    CONSTRAINT payments_account_whole
    CHECK (
        (account_key IS NULL) = (account IS NULL)
        AND (account_key IS NULL) = (account_bank IS NULL)
        AND (account_key IS NULL) = (account_due_at IS NULL)
        AND (account_key IS NULL) = (account_reversals IS NULL)
    );

-- Durable intents and their progress, whose columns and words this database can only change with
-- the whole table.
CREATE TABLE sagas_anew (
    -- sag_…; with n it makes the gateway key.
    id TEXT NOT NULL,
    -- APPROVAL, REVERSAL, CANCELLATION, CHARGE, ACCOUNT_ISSUE or ACCOUNT_CLOSE.
    kind TEXT NOT NULL,
    -- Whose.
    merchant_id TEXT NOT NULL,
    -- test or live.
    mode TEXT NOT NULL,
    -- At which gateway account.
    gateway_account_id TEXT NOT NULL,
    -- For which payment.
    payment_id TEXT NOT NULL,
    -- Which authentication; not known of a charge or the issue of an account.
    payment_key TEXT,
    -- The order id that the gateway knows.
    gateway_order_id TEXT NOT NULL,
    -- ISO 4217 code of every amount in the row.
    currency TEXT NOT NULL,
    -- How much to take, or to give back, in minor units.
    amount INTEGER NOT NULL,
    -- The part of a cancellation without VAT.
    tax_free INTEGER NOT NULL,
    -- Who asked.
    actor TEXT NOT NULL,
    -- Why, where somebody said.
    reason TEXT,
    -- With which of the account's secret keys.
    credential_version INTEGER NOT NULL,
    -- W3C trace id of the request that opened it.
    trace_id TEXT NOT NULL,
    -- Whether an idempotency key waits for its outcome.
    keyed INTEGER NOT NULL,
    -- Since when.
    created_at INTEGER NOT NULL,
    -- CALL, ASK or CLOSED.
    phase TEXT NOT NULL,
    -- Which gateway key.
    n INTEGER NOT NULL,
    -- Calls that were intended and not answered.
    unanswered INTEGER NOT NULL,
    -- Questions that were sent, and calls that waited.
    asks INTEGER NOT NULL,
    -- What was last heard about the call.
    heard TEXT NOT NULL,
    -- Our reason of the refusal that was heard.
    heard_reason TEXT,
    -- Who can mend it: BUYER or MERCHANT.
    heard_class TEXT,
    -- The gateway's code of it.
    heard_code TEXT,
    -- The gateway's words for people.
    heard_message TEXT,
    -- The balance that the gateway must show before a cancellation, in minor units.
    refundable INTEGER NOT NULL,
    -- What the last answer showed against expectation (0: nothing); shown twice, it is believed.
    surprise INTEGER,
    -- When the last call was intended.
    intent_at INTEGER NOT NULL,
    -- When the gateway was last asked.
    asked_at INTEGER,
    -- When the next step is due, by the service's clock.
    due_at INTEGER NOT NULL,
    -- How it ended.
    outcome TEXT,
    -- Our reason of the decline it ended with.
    outcome_reason TEXT,
    -- Who can mend it: BUYER or MERCHANT.
    outcome_class TEXT,
    -- The gateway's code of it.
    outcome_code TEXT,
    -- The gateway's words for people.
    outcome_message TEXT,
    -- The reversal that gives a misfit back.
    reversal_id TEXT,
    -- The fence: raised by claim and progress only.
    version INTEGER NOT NULL,
    -- wrk_…, who drives it now.
    holder TEXT,
    -- Until when, by this database's clock.
    lease_until INTEGER,
    -- With which billing key, of a charge; nothing else knows no payment key.
    billing_key_id TEXT,
    -- Another order that is charged, since the first was spent for nothing.
    charged_order_id TEXT,
    -- With which of the account's secret keys n is used, where another replaced the first.
    rekeyed_version INTEGER,
    -- ISO 4217 code of what the last answer showed against expectation.
    surprise_currency TEXT,
    -- What only its call needs and nobody else may read, sealed; gone with its end.
    sealed BLOB,
    CONSTRAINT sagas_key PRIMARY KEY (id),
    CONSTRAINT sagas_payment FOREIGN KEY (payment_id) REFERENCES payments (id),
    CONSTRAINT sagas_gateway_order FOREIGN KEY (gateway_order_id) REFERENCES gateway_orders (id),
    CONSTRAINT sagas_id_form CHECK (
        id GLOB 'sag_*' AND length(id) = 38 AND substr(id, 5) NOT GLOB '*[^0-9a-hjkmnp-tv-z]*'
    ),
    CONSTRAINT sagas_kind_word CHECK (
        kind IN ('APPROVAL', 'REVERSAL', 'CANCELLATION', 'CHARGE', 'ACCOUNT_ISSUE',
            'ACCOUNT_CLOSE')
    ),
    CONSTRAINT sagas_mode_word CHECK (mode IN ('test', 'live')),
    CONSTRAINT sagas_payment_key_size CHECK (length(payment_key) BETWEEN 1 AND 200),
    CONSTRAINT sagas_currency_word CHECK (currency IN ('KRW', 'USD', 'JPY')),
    CONSTRAINT sagas_amount_range CHECK (amount > 0 AND amount <= 9007199254740991),
    CONSTRAINT sagas_tax_free_within CHECK (tax_free >= 0 AND tax_free <= amount),
    CONSTRAINT sagas_actor_word CHECK (
        actor IN ('MERCHANT', 'BUYER', 'OPERATOR', 'SYSTEM', 'GATEWAY')
    ),
    CONSTRAINT sagas_credential_counted CHECK (credential_version >= 1),
    CONSTRAINT sagas_phase_word CHECK (phase IN ('CALL', 'ASK', 'CLOSED')),
    CONSTRAINT sagas_n_counted CHECK (n BETWEEN 1 AND 4294967295),
    CONSTRAINT sagas_unanswered_counted CHECK (unanswered BETWEEN 0 AND 4294967295),
    CONSTRAINT sagas_asks_counted CHECK (asks BETWEEN 0 AND 4294967295),
    CONSTRAINT sagas_heard_word CHECK (
        heard IN ('NOTHING', 'TEMPORARY', 'SESSION_GONE', 'REFUSED', 'NOISE', 'ORDER_USED')
    ),
    CONSTRAINT sagas_heard_decline_when_refused CHECK (
        (heard_reason IS NOT NULL) = (heard = 'REFUSED')
    ),
    CONSTRAINT sagas_heard_decline_whole CHECK (
        (heard_reason IS NULL) = (heard_class IS NULL)
        AND (heard_reason IS NULL) = (heard_code IS NULL)
        AND (heard_reason IS NULL) = (heard_message IS NULL)
    ),
    CONSTRAINT sagas_heard_class_word CHECK (heard_class IN ('BUYER', 'MERCHANT')),
    CONSTRAINT sagas_surprise_range CHECK (surprise >= 0 AND surprise <= 9007199254740991),
    CONSTRAINT sagas_refundable_range CHECK (
        refundable >= 0 AND refundable <= 9007199254740991
    ),
    CONSTRAINT sagas_outcome_word CHECK (
        outcome IN ('APPROVED', 'DECLINED', 'MISFIT', 'REVERSED', 'CANCELED', 'ISSUED', 'CLOSED')
    ),
    CONSTRAINT sagas_outcome_when_closed CHECK ((outcome IS NOT NULL) = (phase = 'CLOSED')),
    CONSTRAINT sagas_outcome_decline_when_declined CHECK (
        (outcome_reason IS NOT NULL) = (outcome IS NOT NULL AND outcome = 'DECLINED')
    ),
    CONSTRAINT sagas_outcome_decline_whole CHECK (
        (outcome_reason IS NULL) = (outcome_class IS NULL)
        AND (outcome_reason IS NULL) = (outcome_code IS NULL)
        AND (outcome_reason IS NULL) = (outcome_message IS NULL)
    ),
    CONSTRAINT sagas_outcome_class_word CHECK (outcome_class IN ('BUYER', 'MERCHANT')),
    CONSTRAINT sagas_reversal_when_misfit CHECK (
        (reversal_id IS NOT NULL) = (outcome IS NOT NULL AND outcome = 'MISFIT')
    ),
    CONSTRAINT sagas_version_counted CHECK (version >= 1),
    CONSTRAINT sagas_hold_whole CHECK ((holder IS NULL) = (lease_until IS NULL)),
    CONSTRAINT sagas_hold_while_open CHECK (holder IS NULL OR phase <> 'CLOSED'),
    CONSTRAINT sagas_billing_key FOREIGN KEY (billing_key_id) REFERENCES billing_keys (id),
    CONSTRAINT sagas_charged_order FOREIGN KEY (charged_order_id)
        REFERENCES gateway_orders (id),
    CONSTRAINT sagas_payment_key_unless_charge
        CHECK ((payment_key IS NULL) = (kind IN ('CHARGE', 'ACCOUNT_ISSUE'))),
    CONSTRAINT sagas_billing_key_when_charge
        CHECK ((billing_key_id IS NOT NULL) = (kind = 'CHARGE')),
    CONSTRAINT sagas_charged_order_when_charge
        CHECK (charged_order_id IS NULL OR kind = 'CHARGE'),
    CONSTRAINT sagas_rekeyed_counted CHECK (rekeyed_version >= 1),
    CONSTRAINT sagas_surprise_whole CHECK ((surprise IS NULL) = (surprise_currency IS NULL)),
    CONSTRAINT sagas_surprise_currency_word CHECK (surprise_currency IN ('KRW', 'USD', 'JPY')),
    CONSTRAINT sagas_sealed_while_open CHECK (sealed IS NULL OR phase <> 'CLOSED')
) STRICT;

INSERT INTO sagas_anew SELECT sagas.*, NULL FROM sagas;
DROP TABLE sagas;
ALTER TABLE sagas_anew RENAME TO sagas;

-- Two intents about one payment would race at the gateway; a reversal only gives back.
CREATE UNIQUE INDEX sagas_one_open ON sagas (payment_id)
    WHERE phase <> 'CLOSED' AND kind <> 'REVERSAL';
-- What recovery picks up, oldest due first.
CREATE INDEX sagas_due ON sagas (due_at, id) WHERE phase <> 'CLOSED';
-- The sagas of one payment, oldest first.
CREATE INDEX sagas_by_payment ON sagas (payment_id, created_at, id);
-- Whether a key is being charged.
CREATE INDEX sagas_charging ON sagas (billing_key_id)
    WHERE phase <> 'CLOSED' AND billing_key_id IS NOT NULL;

-- The ledger, whose words this database can only change with the whole table.
CREATE TABLE entries_anew (
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
    -- Which movement of it: capture, cancel:<transaction key>, deposit:<count> or
    -- reversal:<count>.
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
    CONSTRAINT entries_movement_form CHECK (
        movement = 'capture' OR movement GLOB 'cancel:?*'
        OR movement GLOB 'deposit:?*' OR movement GLOB 'reversal:?*'
    ),
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

INSERT INTO entries_anew SELECT * FROM entries;
DROP TABLE entries;
ALTER TABLE entries_anew RENAME TO entries;

-- One payment's lines, in the order of booking.
CREATE INDEX entries_by_payment ON entries (payment_id, position);

CREATE TRIGGER entries_not_updated BEFORE UPDATE ON entries
BEGIN
    SELECT RAISE(ABORT, 'entries is append-only');
END;
CREATE TRIGGER entries_not_deleted BEFORE DELETE ON entries
BEGIN
    SELECT RAISE(ABORT, 'entries is append-only');
END;
