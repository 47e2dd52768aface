-- Billing as a whole: a switch for charges, what operators are told of cycles, which subscriptions
-- go on with a card, and registrations that nobody used.

ALTER TABLE switches
    DROP CONSTRAINT switches_operation_word,
    -- approvals, cancels or charges.
    ADD CONSTRAINT switches_operation_word
        CHECK (operation IN ('approvals', 'cancels', 'charges'));

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
