-- Billing keys, and charges with them: sagas that learn the payment key from the answer.

-- Stored payment methods of members, and the two calls that each takes itself.
CREATE TABLE billing_keys (
    -- bkey_…; with the call and n it makes the gateway key.
    id TEXT COLLATE "C" NOT NULL,
    -- Whose.
    merchant_id TEXT COLLATE "C" NOT NULL,
    -- test or live.
    mode TEXT COLLATE "C" NOT NULL,
    -- At which gateway account; no other one can charge it.
    gateway_account_id TEXT COLLATE "C" NOT NULL,
    -- Which member's.
    member_id TEXT COLLATE "C" NOT NULL,
    -- The gateway's name of the member for this key; random, ours.
    customer_key TEXT COLLATE "C" NOT NULL,
    -- REGISTERED, ISSUING, ACTIVE, DELETING, DELETED or FAILED.
    status TEXT COLLATE "C" NOT NULL,
    -- Whether it is what the member pays with where nothing else is said.
    is_default BOOLEAN NOT NULL,
    -- What the member's browser brought, sealed, until it is issued.
    auth_key BYTEA,
    -- The gateway's key, sealed.
    billing_key BYTEA,
    -- A keyed hash of it, which finds it without opening it.
    billing_key_index BYTEA,
    -- Card, account …, as the gateway words it.
    method TEXT,
    -- Who issued the card, in the gateway's code, or the bank.
    company TEXT,
    -- The last digits that the gateway shows.
    last4 TEXT,
    -- When it was issued.
    issued_at TIMESTAMPTZ,
    -- Our reason why it was never issued.
    decline_reason TEXT COLLATE "C",
    -- Who can mend it: BUYER or MERCHANT.
    decline_class TEXT COLLATE "C",
    -- The gateway's code of it.
    decline_code TEXT,
    -- The gateway's words for people.
    decline_message TEXT,
    -- Which gateway key its call has now.
    n BIGINT,
    -- With which of the account's secret keys n is used.
    credential_version INTEGER,
    -- How often the call came to nothing.
    tries BIGINT,
    -- What was last heard of it: NOTHING or ERROR.
    heard TEXT COLLATE "C",
    -- Since when the call is wanted.
    wanted_at TIMESTAMPTZ,
    -- When the last one was intended.
    intent_at TIMESTAMPTZ,
    -- When the next one is due, by the service's clock.
    due_at TIMESTAMPTZ,
    -- Since when.
    created_at TIMESTAMPTZ NOT NULL,
    -- The fence: raised by every update and claim.
    version BIGINT NOT NULL,
    -- wrk_…, who works on it now.
    holder TEXT COLLATE "C",
    -- Until when, by this database's clock.
    lease_until TIMESTAMPTZ,
    CONSTRAINT billing_keys_key PRIMARY KEY (id),
    CONSTRAINT billing_keys_customer_key UNIQUE (customer_key),
    CONSTRAINT billing_keys_merchant FOREIGN KEY (merchant_id) REFERENCES merchants (id),
    CONSTRAINT billing_keys_account FOREIGN KEY (gateway_account_id)
        REFERENCES gateway_accounts (id),
    CONSTRAINT billing_keys_id_form CHECK (id ~ '^bkey_[0-9a-hjkmnp-tv-z]{34}$'),
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
    CONSTRAINT billing_keys_index_size CHECK (octet_length(billing_key_index) = 32),
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
);

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

ALTER TABLE sagas
    ALTER COLUMN payment_key DROP NOT NULL,
    DROP CONSTRAINT sagas_kind_word,
    DROP CONSTRAINT sagas_heard_word,
    ADD CONSTRAINT sagas_kind_word CHECK (
        kind IN ('APPROVAL', 'REVERSAL', 'CANCELLATION', 'CHARGE')
    ),
    ADD CONSTRAINT sagas_heard_word CHECK (
        heard IN ('NOTHING', 'TEMPORARY', 'SESSION_GONE', 'REFUSED', 'NOISE', 'ORDER_USED')
    ),
    -- With which billing key, of a charge; nothing else knows no payment key.
    ADD COLUMN billing_key_id TEXT COLLATE "C",
    -- Another order that is charged, since the first was spent for nothing.
    ADD COLUMN charged_order_id TEXT COLLATE "C",
    -- With which of the account's secret keys n is used, where another replaced the first.
    ADD COLUMN rekeyed_version INTEGER,
    -- ISO 4217 code of what the last answer showed against expectation.
    ADD COLUMN surprise_currency TEXT COLLATE "C";

-- What was shown so far was read as of the row's own currency.
UPDATE sagas SET surprise_currency = currency WHERE surprise IS NOT NULL;

ALTER TABLE sagas
    ADD CONSTRAINT sagas_billing_key FOREIGN KEY (billing_key_id) REFERENCES billing_keys (id),
    ADD CONSTRAINT sagas_charged_order FOREIGN KEY (charged_order_id)
        REFERENCES gateway_orders (id),
    ADD CONSTRAINT sagas_payment_key_unless_charge
        CHECK ((payment_key IS NULL) = (kind = 'CHARGE')),
    ADD CONSTRAINT sagas_billing_key_when_charge
        CHECK ((billing_key_id IS NOT NULL) = (kind = 'CHARGE')),
    ADD CONSTRAINT sagas_charged_order_when_charge
        CHECK (charged_order_id IS NULL OR kind = 'CHARGE'),
    ADD CONSTRAINT sagas_rekeyed_counted CHECK (rekeyed_version >= 1),
    ADD CONSTRAINT sagas_surprise_whole CHECK ((surprise IS NULL) = (surprise_currency IS NULL)),
    ADD CONSTRAINT sagas_surprise_currency_word
        CHECK (surprise_currency IN ('KRW', 'USD', 'JPY'));

-- Whether a key is being charged.
CREATE INDEX sagas_charging ON sagas (billing_key_id)
    WHERE phase <> 'CLOSED' AND billing_key_id IS NOT NULL;
