-- What members pay for again and again: plans, subscriptions, and what is due of them when.

CREATE TABLE plans (
    -- Whose.
    merchant_id TEXT NOT NULL,
    -- test or live.
    mode TEXT NOT NULL,
    -- What its merchant calls it.
    code TEXT NOT NULL,
    -- Whether it renews: ONE_TIME or SUBSCRIPTION.
    kind TEXT NOT NULL,
    -- How long a cycle is: MONTHLY, QUARTERLY or YEARLY.
    period TEXT NOT NULL,
    -- ISO 4217, of price and tax_free.
    currency TEXT NOT NULL,
    -- What a cycle costs, in minor units.
    price INTEGER NOT NULL,
    -- The part of it without VAT.
    tax_free INTEGER NOT NULL,
    -- What members read.
    name TEXT NOT NULL,
    -- What it gives, as members read it.
    benefits TEXT,
    -- Whether anybody can still subscribe.
    offered INTEGER NOT NULL,
    -- Of cycles that were missed: CHARGE_EACH or CHARGE_NEWEST.
    missed TEXT NOT NULL,
    -- The wait after the first decline, in seconds; it doubles with each.
    dunning_first_seconds INTEGER NOT NULL,
    -- What no wait exceeds, in seconds.
    dunning_cap_seconds INTEGER NOT NULL,
    -- How many tries a cycle has, the first one included.
    dunning_tries_max INTEGER NOT NULL,
    -- How long another card is waited for, in seconds.
    card_grace_seconds INTEGER NOT NULL,
    -- Raised by every change; the condition of every write.
    version INTEGER NOT NULL,
    -- Since when.
    created_at INTEGER NOT NULL,
    CONSTRAINT plans_key PRIMARY KEY (merchant_id, mode, code),
    CONSTRAINT plans_merchant FOREIGN KEY (merchant_id) REFERENCES merchants (id),
    CONSTRAINT plans_mode_word CHECK (mode IN ('test', 'live')),
    CONSTRAINT plans_kind_word CHECK (kind IN ('ONE_TIME', 'SUBSCRIPTION')),
    CONSTRAINT plans_period_word CHECK (period IN ('MONTHLY', 'QUARTERLY', 'YEARLY')),
    CONSTRAINT plans_price_parts CHECK (price > 0 AND tax_free BETWEEN 0 AND price),
    CONSTRAINT plans_missed_word CHECK (missed IN ('CHARGE_EACH', 'CHARGE_NEWEST')),
    CONSTRAINT plans_dunning_counted CHECK (
        dunning_first_seconds >= 1 AND dunning_cap_seconds >= dunning_first_seconds
        AND dunning_tries_max >= 1 AND card_grace_seconds >= 0
    ),
    CONSTRAINT plans_version_counted CHECK (version >= 1)
) STRICT;

CREATE TABLE subscriptions (
    -- sub_…
    id TEXT NOT NULL,
    -- Whose.
    merchant_id TEXT NOT NULL,
    -- test or live.
    mode TEXT NOT NULL,
    -- Who pays, by the merchant's own id.
    member TEXT NOT NULL,
    -- To which plan.
    plan_code TEXT NOT NULL,
    -- bkey_…, with which card.
    billing_key_id TEXT NOT NULL,
    -- What every date is computed from: day and time of day by the zone's clocks.
    anchor TEXT NOT NULL,
    -- The zone, by its name in the IANA database.
    zone TEXT NOT NULL,
    -- Where it stands.
    status TEXT NOT NULL,
    -- Until when it is paid.
    paid_until INTEGER,
    -- When it ended.
    ended_at INTEGER,
    -- Raised by every change; the condition of every write.
    version INTEGER NOT NULL,
    -- Since when.
    created_at INTEGER NOT NULL,
    CONSTRAINT subscriptions_key PRIMARY KEY (id),
    CONSTRAINT subscriptions_plan FOREIGN KEY (merchant_id, mode, plan_code)
        REFERENCES plans (merchant_id, mode, code),
    CONSTRAINT subscriptions_id_form CHECK (
        id GLOB 'sub_*' AND length(id) = 38 AND substr(id, 5) NOT GLOB '*[^0-9a-hjkmnp-tv-z]*'
    ),
    CONSTRAINT subscriptions_member_size CHECK (length(member) BETWEEN 1 AND 64),
    CONSTRAINT subscriptions_anchor_size CHECK (length(anchor) = 19),
    CONSTRAINT subscriptions_status_word CHECK (status IN (
        'PENDING', 'ACTIVE', 'PAST_DUE', 'CANCEL_SCHEDULED', 'CANCELED', 'EXPIRED')),
    CONSTRAINT subscriptions_ended_in_the_end
        CHECK ((ended_at IS NOT NULL) = (status IN ('CANCELED', 'EXPIRED'))),
    CONSTRAINT subscriptions_version_counted CHECK (version >= 1)
) STRICT;

-- A merchant's subscriptions, newest first: ids begin with the time.
CREATE INDEX subscriptions_by_scope ON subscriptions (merchant_id, mode, id);

-- A member's subscriptions, newest first.
CREATE INDEX subscriptions_by_member ON subscriptions (merchant_id, mode, member, id);

CREATE TABLE cycles (
    -- Of which subscription.
    subscription_id TEXT NOT NULL,
    -- 1 for the first, without gaps.
    number INTEGER NOT NULL,
    -- Whose.
    merchant_id TEXT NOT NULL,
    -- test or live.
    mode TEXT NOT NULL,
    -- When it begins, by the anchor.
    due_at INTEGER NOT NULL,
    -- ISO 4217.
    currency TEXT NOT NULL,
    -- What it costs, in minor units.
    amount INTEGER NOT NULL,
    -- Where it stands.
    status TEXT NOT NULL,
    -- When something is to be done about it; none while it is being charged, and in the end.
    next_at INTEGER,
    -- How often it was declined with its card, where that counts.
    declined INTEGER NOT NULL,
    -- Why it was declined last.
    decline_reason TEXT,
    -- pay_…, that its tries are made by.
    payment_id TEXT,
    -- When the gateway took the money.
    paid_at INTEGER,
    -- Raised by every change; the condition of every write.
    version INTEGER NOT NULL,
    CONSTRAINT cycles_key PRIMARY KEY (subscription_id, number),
    CONSTRAINT cycles_subscription FOREIGN KEY (subscription_id) REFERENCES subscriptions (id),
    CONSTRAINT cycles_payment FOREIGN KEY (payment_id) REFERENCES payments (id),
    CONSTRAINT cycles_one_per_payment UNIQUE (payment_id),
    CONSTRAINT cycles_number_counted CHECK (number >= 1),
    CONSTRAINT cycles_amount_positive CHECK (amount > 0),
    CONSTRAINT cycles_status_word CHECK (status IN (
        'WAITING', 'CHARGING', 'HELD', 'CLOSING', 'PAID', 'FAILED', 'SKIPPED', 'VOID',
        'REFUNDED')),
    CONSTRAINT cycles_next_while_open
        CHECK ((next_at IS NOT NULL) = (status IN ('WAITING', 'HELD', 'CLOSING'))),
    CONSTRAINT cycles_paid_by_a_payment CHECK (
        (paid_at IS NOT NULL) = (status IN ('PAID', 'REFUNDED'))
        AND (payment_id IS NOT NULL OR status NOT IN ('CHARGING', 'PAID', 'REFUNDED'))
    ),
    CONSTRAINT cycles_declined_counted CHECK (declined >= 0),
    CONSTRAINT cycles_version_counted CHECK (version >= 1)
) STRICT;

-- What is due, oldest first. It has one row of each subscription that goes on, and of those that
-- are not due nothing is read, however many they are.
CREATE INDEX cycles_due ON cycles (next_at) WHERE next_at IS NOT NULL;

-- A subscription has one cycle at a time that is not resolved.
CREATE UNIQUE INDEX cycles_one_open ON cycles (subscription_id)
    WHERE status IN ('WAITING', 'CHARGING', 'HELD', 'CLOSING');

-- Who is about to do something about which cycle, as it stood when it was taken: of a cycle that
-- was changed since it says nothing. Apart from the cycles, because those that come due together
-- lie on a page each, and to hold them there would write all those pages; and without a reference
-- to them, which would read the pages once more.
CREATE TABLE cycle_holds (
    -- Of which subscription.
    subscription_id TEXT NOT NULL,
    -- Which of its cycles.
    number INTEGER NOT NULL,
    -- The cycle's, when it was taken.
    version INTEGER NOT NULL,
    -- wrk_…, who took it.
    holder TEXT NOT NULL,
    -- Until when nobody else may, by this database's clock.
    lease_until INTEGER NOT NULL,
    CONSTRAINT cycle_holds_key PRIMARY KEY (subscription_id, number)
) STRICT, WITHOUT ROWID;

-- What is over, to be forgotten.
CREATE INDEX cycle_holds_by_end ON cycle_holds (lease_until);

-- What was done to subscriptions: a line for each version.
CREATE TABLE subscription_events (
    -- To which.
    subscription_id TEXT NOT NULL,
    -- 1 for the first, without gaps: the version that it led to.
    sequence INTEGER NOT NULL,
    -- Whose.
    merchant_id TEXT NOT NULL,
    -- test or live.
    mode TEXT NOT NULL,
    -- What was done.
    kind TEXT NOT NULL,
    -- Status before; none for the first.
    from_status TEXT,
    -- Status after.
    to_status TEXT NOT NULL,
    -- About which cycle, where it is about one.
    cycle INTEGER,
    -- pay_…, by which payment, where there is one.
    payment_id TEXT,
    -- Why, where something was declined.
    decline_reason TEXT,
    -- Who did it.
    actor TEXT NOT NULL,
    -- When.
    occurred_at INTEGER NOT NULL,
    CONSTRAINT subscription_events_key PRIMARY KEY (subscription_id, sequence),
    CONSTRAINT subscription_events_subscription
        FOREIGN KEY (subscription_id) REFERENCES subscriptions (id),
    CONSTRAINT subscription_events_sequence_counted CHECK (sequence >= 1),
    CONSTRAINT subscription_events_from_the_second
        CHECK ((from_status IS NULL) = (sequence = 1))
) STRICT;
