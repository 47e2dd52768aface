-- Billing as a whole: a switch for charges, what operators are told of cycles, which subscriptions
-- go on with a card, and registrations that nobody used.

-- SQLite changes no constraint of a table that is there: it is made anew.
CREATE TABLE switches_new (
    -- approvals, cancels or charges.
    operation TEXT NOT NULL,
    -- How far: everywhere, mer_…, mer_…/test, mer_…/live or gwa_….
    reach TEXT NOT NULL,
    -- The first turn is 1, each next one higher by one.
    number INTEGER NOT NULL,
    -- Paused from then on, or not.
    paused INTEGER NOT NULL,
    -- In which role: MERCHANT or OPERATOR.
    actor TEXT NOT NULL,
    -- Who turned it, as far as it is known.
    who TEXT NOT NULL,
    -- Why.
    why TEXT NOT NULL,
    -- When.
    turned_at INTEGER NOT NULL,
    CONSTRAINT switches_key PRIMARY KEY (operation, reach, number),
    CONSTRAINT switches_operation_word CHECK (operation IN ('approvals', 'cancels', 'charges')),
    CONSTRAINT switches_reach_form CHECK (
        reach = 'everywhere'
        OR (substr(reach, 1, 4) IN ('mer_', 'gwa_') AND length(reach) = 38
            OR substr(reach, 1, 4) = 'mer_' AND substr(reach, 39) IN ('/test', '/live'))
        AND substr(reach, 5, 34) NOT GLOB '*[^0-9a-hjkmnp-tv-z]*'
    ),
    CONSTRAINT switches_number_counted CHECK (number >= 1),
    CONSTRAINT switches_actor_word CHECK (actor IN ('MERCHANT', 'OPERATOR')),
    CONSTRAINT switches_who_size CHECK (length(who) <= 100),
    CONSTRAINT switches_why_size CHECK (length(why) BETWEEN 1 AND 200)
) STRICT;

INSERT INTO switches_new SELECT * FROM switches;
DROP TABLE switches;
ALTER TABLE switches_new RENAME TO switches;

-- What happened last.
CREATE INDEX switches_by_time ON switches (turned_at DESC, operation DESC, reach DESC, number DESC);

CREATE TRIGGER switches_not_updated BEFORE UPDATE ON switches
BEGIN
    SELECT RAISE(ABORT, 'switches is append-only');
END;
CREATE TRIGGER switches_not_deleted BEFORE DELETE ON switches
BEGIN
    SELECT RAISE(ABORT, 'switches is append-only');
END;

-- What is counted for operators besides what is due.
CREATE INDEX cycles_counted ON cycles (merchant_id, mode, status)
    WHERE status IN ('CHARGING', 'HELD', 'FAILED');
-- What was paid of late.
CREATE INDEX cycles_by_payment_time ON cycles (paid_at, merchant_id, mode)
    WHERE paid_at IS NOT NULL;
-- Whether a subscription goes on with a card.
CREATE INDEX subscriptions_by_card ON subscriptions (billing_key_id) WHERE ended_at IS NULL;
-- Registrations that no card came of yet.
CREATE INDEX billing_keys_registered ON billing_keys (created_at) WHERE status = 'REGISTERED';
