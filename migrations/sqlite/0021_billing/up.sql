-- Billing keys, and charges with them: sagas that learn the payment key from the answer.

-- Stored payment methods of members, and the two calls that each takes itself.
CREATE TABLE billing_keys (
    -- bkey_…; with the call and n it makes the gateway key.
    id TEXT NOT NULL,
    -- Whose.
    merchant_id TEXT NOT NULL,
    -- test or live.
    mode TEXT NOT NULL,
    -- At which gateway account; no other one can charge it.
    gateway_account_id TEXT NOT NULL,
    -- Which member's.
    member_id TEXT NOT NULL,
    -- The gateway's name of the member for this key; random, ours.
    customer_key TEXT NOT NULL,
    -- REGISTERED, ISSUING, ACTIVE, DELETING, DELETED or FAILED.
    status TEXT NOT NULL,
    -- Whether it is what the member pays with where nothing else is said.
    is_default INTEGER NOT NULL,
    -- What the member's browser brought, sealed, until it is issued.
    auth_key BLOB,
    -- The gateway's key, sealed.
    billing_key BLOB,
    -- A keyed hash of it, which finds it without opening it.
    billing_key_index BLOB,
    -- Card, account …, as the gateway words it.
    method TEXT,
    -- Who issued the card, in the gateway's code, or the bank.
    company TEXT,
    -- The last digits that the gateway shows.
    last4 TEXT,
    -- When it was issued.
    issued_at INTEGER,
    -- Our reason why it was never issued.
    decline_reason TEXT,
    -- Who can mend it: BUYER or MERCHANT.
    decline_class TEXT,
    -- The gateway's code of it.
    decline_code TEXT,
    -- The gateway's words for people.
    decline_message TEXT,
    -- Which gateway key its call has now.
    n INTEGER,
    -- With which of the account's secret keys n is used.
    credential_version INTEGER,
    -- How often the call came to nothing.
    tries INTEGER,
    -- What was last heard of it: NOTHING or ERROR.
    heard TEXT,
    -- Since when the call is wanted.
    wanted_at INTEGER,
    -- When the last one was intended.
    intent_at INTEGER,
    -- When the next one is due, by the service's clock.
    due_at INTEGER,
    -- Since when.
    created_at INTEGER NOT NULL,
    -- The fence: raised by every update and claim.
    version INTEGER NOT NULL,
    -- wrk_…, who works on it now.
    holder TEXT,
    -- Until when, by this database's clock.
    lease_until INTEGER,
    CONSTRAINT billing_keys_key PRIMARY KEY (id),
    CONSTRAINT billing_keys_customer_key UNIQUE (customer_key),
    CONSTRAINT billing_keys_merchant FOREIGN KEY (merchant_id) REFERENCES merchants (id),
    CONSTRAINT billing_keys_account FOREIGN KEY (gateway_account_id)
        REFERENCES gateway_accounts (id),
    CONSTRAINT billing_keys_id_form CHECK (
        id GLOB 'bkey_*' AND length(id) = 39 AND substr(id, 6) NOT GLOB '*[^0-9a-hjkmnp-tv-z]*'
    ),
    CONSTRAINT billing_keys_mode_word CHECK (mode IN ('test', 'live')),
    CONSTRAINT billing_keys_member_id_size CHECK (length(member_id) BETWEEN 1 AND 64),
    CONSTRAINT billing_keys_customer_key_size CHECK (length(customer_key) BETWEEN 2 AND 50),
    CONSTRAINT billing_keys_status_word CHECK (
        status IN ('REGISTERED', 'ISSUING', 'ACTIVE', 'DELETING', 'DELETED', 'FAILED')
    ),
    CONSTRAINT billing_keys_default_when_active CHECK (NOT is_default OR status = 'ACTIVE'),
    CONSTRAINT billing_keys_auth_key_when_issuing
        CHECK ((auth_key IS NOT NULL) = (status = 'ISSUING')),
    CONSTRAINT billing_keys_sealed_when_kept CHECK (
        (billing_key IS NOT NULL) = (status IN ('ACTIVE', 'DELETING'))
    ),
    CONSTRAINT billing_keys_sealed_whole CHECK (
        (billing_key IS NULL) = (billing_key_index IS NULL)
        AND (billing_key IS NULL) = (issued_at IS NULL)
    ),
    CONSTRAINT billing_keys_index_size CHECK (length(billing_key_index) = 32),
    CONSTRAINT billing_keys_card_when_known CHECK (
        status IN ('ACTIVE', 'DELETING', 'DELETED')
        OR (method IS NULL AND company IS NULL AND last4 IS NULL)
    ),
    CONSTRAINT billing_keys_last4_size CHECK (length(last4) BETWEEN 1 AND 4),
    CONSTRAINT billing_keys_decline_when_failed
        CHECK ((decline_reason IS NOT NULL) = (status = 'FAILED')),
    CONSTRAINT billing_keys_decline_whole CHECK (
        (decline_reason IS NULL) = (decline_class IS NULL)
        AND (decline_reason IS NULL) = (decline_code IS NULL)
        AND (decline_reason IS NULL) = (decline_message IS NULL)
    ),
    CONSTRAINT billing_keys_decline_class_word CHECK (decline_class IN ('BUYER', 'MERCHANT')),
    CONSTRAINT billing_keys_call_when_working
        CHECK ((n IS NOT NULL) = (status IN ('ISSUING', 'DELETING'))),
    CONSTRAINT billing_keys_call_whole CHECK (
        (n IS NULL) = (credential_version IS NULL)
        AND (n IS NULL) = (tries IS NULL)
        AND (n IS NULL) = (heard IS NULL)
        AND (n IS NULL) = (wanted_at IS NULL)
        AND (n IS NULL) = (intent_at IS NULL)
        AND (n IS NULL) = (due_at IS NULL)
    ),
    CONSTRAINT billing_keys_n_counted CHECK (n BETWEEN 1 AND 4294967295),
    CONSTRAINT billing_keys_credential_counted CHECK (credential_version >= 1),
    CONSTRAINT billing_keys_tries_counted CHECK (tries BETWEEN 0 AND 4294967295),
    CONSTRAINT billing_keys_heard_word CHECK (heard IN ('NOTHING', 'ERROR')),
    CONSTRAINT billing_keys_version_counted CHECK (version >= 1),
    CONSTRAINT billing_keys_hold_whole CHECK ((holder IS NULL) = (lease_until IS NULL)),
    CONSTRAINT billing_keys_hold_while_working CHECK (
        holder IS NULL OR status IN ('ISSUING', 'DELETING')
    )
) STRICT;

-- A member pays with one of them where nothing else is said.
CREATE UNIQUE INDEX billing_keys_one_default ON billing_keys (merchant_id, mode, member_id)
    WHERE is_default;
-- What the gateway calls a key names one row.
CREATE UNIQUE INDEX billing_keys_index
    ON billing_keys (merchant_id, mode, billing_key_index);
-- A member's keys, newest first.
CREATE INDEX billing_keys_by_member
    ON billing_keys (merchant_id, mode, member_id, created_at, id);
-- What recovery picks up, oldest due first.
CREATE INDEX billing_keys_due ON billing_keys (due_at, id) WHERE due_at IS NOT NULL;

-- Durable intents and their progress, whose columns and words this database can only change with
-- the whole table.
CREATE TABLE sagas_anew (
    -- sag_…; with n it makes the gateway key.
    id TEXT NOT NULL,
    -- APPROVAL, REVERSAL, CANCELLATION or CHARGE.
    kind TEXT NOT NULL,
    -- Whose.
    merchant_id TEXT NOT NULL,
    -- test or live.
    mode TEXT NOT NULL,
    -- At which gateway account.
    gateway_account_id TEXT NOT NULL,
    -- For which payment.
    payment_id TEXT NOT NULL,
    -- Which authentication; not known of a charge.
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
    CONSTRAINT sagas_key PRIMARY KEY (id),
    CONSTRAINT sagas_payment FOREIGN KEY (payment_id) REFERENCES payments (id),
    CONSTRAINT sagas_gateway_order FOREIGN KEY (gateway_order_id) REFERENCES gateway_orders (id),
    CONSTRAINT sagas_id_form CHECK (
        id GLOB 'sag_*' AND length(id) = 38 AND substr(id, 5) NOT GLOB '*[^0-9a-hjkmnp-tv-z]*'
    ),
    CONSTRAINT sagas_kind_word CHECK (
        kind IN ('APPROVAL', 'REVERSAL', 'CANCELLATION', 'CHARGE')
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
        outcome IN ('APPROVED', 'DECLINED', 'MISFIT', 'REVERSED', 'CANCELED')
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
    CONSTRAINT sagas_payment_key_unless_charge CHECK ((payment_key IS NULL) = (kind = 'CHARGE')),
    CONSTRAINT sagas_billing_key_when_charge
        CHECK ((billing_key_id IS NOT NULL) = (kind = 'CHARGE')),
    CONSTRAINT sagas_charged_order_when_charge
        CHECK (charged_order_id IS NULL OR kind = 'CHARGE'),
    CONSTRAINT sagas_rekeyed_counted CHECK (rekeyed_version >= 1),
    CONSTRAINT sagas_surprise_whole CHECK ((surprise IS NULL) = (surprise_currency IS NULL)),
    CONSTRAINT sagas_surprise_currency_word CHECK (surprise_currency IN ('KRW', 'USD', 'JPY'))
) STRICT;

-- What was shown so far was read as of the row's own currency.
INSERT INTO sagas_anew
SELECT sagas.*, NULL, NULL, NULL, CASE WHEN surprise IS NOT NULL THEN currency END FROM sagas;
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
