-- Payments, and the openings of their payment window.

CREATE TABLE payments (
    -- pay_…
    id TEXT NOT NULL,
    -- Whose.
    merchant_id TEXT NOT NULL,
    -- test or live.
    mode TEXT NOT NULL,
    -- At which gateway account.
    gateway_account_id TEXT NOT NULL,
    -- The merchant's name of the order.
    order_id TEXT NOT NULL,
    -- What is bought.
    order_name TEXT NOT NULL,
    -- ISO 4217 code of every amount in the row.
    currency TEXT NOT NULL,
    -- What is to be paid, in minor units.
    amount INTEGER NOT NULL,
    -- The part of it without VAT.
    tax_free INTEGER NOT NULL,
    -- Who buys; erasable.
    customer_name TEXT,
    -- The merchant's id of the member; erasable.
    member_id TEXT,
    -- ONE_OFF, BILLING or VIRTUAL_ACCOUNT.
    kind TEXT NOT NULL,
    -- Since when.
    created_at INTEGER NOT NULL,
    -- Until when it can be paid.
    expires_at INTEGER NOT NULL,
    -- What the API shows.
    status TEXT NOT NULL,
    -- The saga that has to resolve it, in the two statuses that wait for one.
    saga_id TEXT,
    -- Until when a deposit is waited for.
    due_at INTEGER,
    -- When the gateway approved.
    approved_at INTEGER,
    -- When the last of it was given back, or the payment withdrawn.
    canceled_at INTEGER,
    -- Our reason of the last decline.
    decline_reason TEXT,
    -- Who can mend it: BUYER or MERCHANT.
    decline_class TEXT,
    -- The gateway's code of it.
    decline_code TEXT,
    -- The gateway's words for people.
    decline_message TEXT,
    -- The authentication that was captured.
    payment_key TEXT,
    -- Card, easy pay …, as the gateway words it.
    method TEXT,
    -- Where the buyer's receipt is.
    receipt_url TEXT,
    -- What was captured for the merchant, in minor units.
    captured INTEGER NOT NULL,
    -- What of it was given back.
    canceled INTEGER NOT NULL,
    -- How it was given back, oldest first, as JSON; the entries of the ledger say the same.
    cancels TEXT,
    -- Raised by every update.
    version INTEGER NOT NULL,
    -- The sequence of its newest event.
    event_sequence INTEGER NOT NULL,
    -- The hash of its newest event.
    event_hash BLOB NOT NULL,
    CONSTRAINT payments_key PRIMARY KEY (id),
    CONSTRAINT payments_one_per_order UNIQUE (merchant_id, mode, order_id),
    CONSTRAINT payments_account FOREIGN KEY (gateway_account_id) REFERENCES gateway_accounts (id),
    CONSTRAINT payments_id_form CHECK (
        id GLOB 'pay_*' AND length(id) = 38 AND substr(id, 5) NOT GLOB '*[^0-9a-hjkmnp-tv-z]*'
    ),
    CONSTRAINT payments_mode_word CHECK (mode IN ('test', 'live')),
    CONSTRAINT payments_order_id_form CHECK (
        length(order_id) BETWEEN 6 AND 64 AND order_id NOT GLOB '*[^0-9A-Za-z_-]*'
    ),
    CONSTRAINT payments_order_name_size CHECK (length(order_name) BETWEEN 1 AND 100),
    CONSTRAINT payments_currency_word CHECK (currency IN ('KRW', 'USD', 'JPY')),
    CONSTRAINT payments_amount_range CHECK (amount > 0 AND amount <= 9007199254740991),
    CONSTRAINT payments_tax_free_within CHECK (tax_free >= 0 AND tax_free <= amount),
    CONSTRAINT payments_customer_name_size CHECK (length(customer_name) BETWEEN 1 AND 100),
    CONSTRAINT payments_member_id_size CHECK (length(member_id) BETWEEN 1 AND 64),
    CONSTRAINT payments_kind_word CHECK (kind IN ('ONE_OFF', 'BILLING', 'VIRTUAL_ACCOUNT')),
    CONSTRAINT payments_expiry_later CHECK (expires_at >= created_at),
    CONSTRAINT payments_status_word CHECK (
        status IN ('READY', 'IN_PROGRESS', 'WAITING_FOR_DEPOSIT', 'DONE', 'CANCEL_REQUESTED',
            'PARTIAL_CANCELED', 'CANCELED', 'ABORTED', 'EXPIRED')
    ),
    CONSTRAINT payments_saga_while_waiting CHECK (
        (saga_id IS NOT NULL) = (status IN ('IN_PROGRESS', 'CANCEL_REQUESTED'))
    ),
    CONSTRAINT payments_due_while_waiting CHECK (
        (due_at IS NOT NULL) = (status = 'WAITING_FOR_DEPOSIT')
    ),
    CONSTRAINT payments_approved_at_when_captured CHECK (
        CASE
            WHEN status IN ('DONE', 'CANCEL_REQUESTED', 'PARTIAL_CANCELED')
            THEN approved_at IS NOT NULL
            ELSE approved_at IS NULL OR status = 'CANCELED'
        END
    ),
    CONSTRAINT payments_canceled_at_when_canceled CHECK (
        (canceled_at IS NOT NULL) = (status = 'CANCELED')
    ),
    CONSTRAINT payments_decline_when_declined CHECK (
        CASE status
            WHEN 'ABORTED' THEN decline_reason IS NOT NULL
            WHEN 'READY' THEN TRUE
            ELSE decline_reason IS NULL
        END
    ),
    CONSTRAINT payments_decline_whole CHECK (
        (decline_reason IS NULL) = (decline_class IS NULL)
        AND (decline_reason IS NULL) = (decline_code IS NULL)
        AND (decline_reason IS NULL) = (decline_message IS NULL)
    ),
    CONSTRAINT payments_decline_class_word CHECK (decline_class IN ('BUYER', 'MERCHANT')),
    CONSTRAINT payments_captured_within CHECK (captured >= 0 AND captured <= amount),
    CONSTRAINT payments_canceled_within CHECK (canceled >= 0 AND canceled <= captured),
    CONSTRAINT payments_cancels_when_canceled CHECK ((cancels IS NOT NULL) = (canceled > 0)),
    CONSTRAINT payments_sums_fit_status CHECK (
        CASE status
            WHEN 'DONE' THEN captured > 0 AND canceled = 0
            WHEN 'CANCEL_REQUESTED' THEN captured > canceled
            WHEN 'PARTIAL_CANCELED' THEN captured > canceled AND canceled > 0
            ELSE captured = canceled
        END
    ),
    CONSTRAINT payments_paid_when_captured CHECK (captured = 0 OR payment_key IS NOT NULL),
    CONSTRAINT payments_paid_whole CHECK (
        payment_key IS NOT NULL OR (method IS NULL AND receipt_url IS NULL)
    ),
    CONSTRAINT payments_version_counted CHECK (version >= 1),
    CONSTRAINT payments_event_counted CHECK (event_sequence >= 1),
    CONSTRAINT payments_event_hash_size CHECK (length(event_hash) = 32)
) STRICT;

-- Pages, newest first, plain and by each documented filter.
CREATE INDEX payments_page ON payments (merchant_id, mode, created_at DESC, id DESC);
CREATE INDEX payments_page_by_status
    ON payments (merchant_id, mode, status, created_at DESC, id DESC);
CREATE INDEX payments_page_by_kind ON payments (merchant_id, mode, kind, created_at DESC, id DESC);
CREATE INDEX payments_page_by_member
    ON payments (merchant_id, mode, member_id, created_at DESC, id DESC)
    WHERE member_id IS NOT NULL;
CREATE INDEX payments_page_by_customer
    ON payments (merchant_id, mode, customer_name, created_at DESC, id DESC)
    WHERE customer_name IS NOT NULL;
-- Payments that nobody paid in time.
CREATE INDEX payments_unpaid ON payments (expires_at, id) WHERE status = 'READY';

CREATE TABLE gateway_orders (
    -- gwo_…, the order id that the gateway sees.
    id TEXT NOT NULL,
    -- For which payment.
    payment_id TEXT NOT NULL,
    -- When it was issued.
    created_at INTEGER NOT NULL,
    CONSTRAINT gateway_orders_key PRIMARY KEY (id),
    CONSTRAINT gateway_orders_payment FOREIGN KEY (payment_id) REFERENCES payments (id),
    CONSTRAINT gateway_orders_id_form CHECK (
        id GLOB 'gwo_*' AND length(id) = 38 AND substr(id, 5) NOT GLOB '*[^0-9a-hjkmnp-tv-z]*'
    )
) STRICT;

-- The openings of one payment's window, newest first.
CREATE INDEX gateway_orders_by_payment ON gateway_orders (payment_id, created_at DESC, id DESC);
