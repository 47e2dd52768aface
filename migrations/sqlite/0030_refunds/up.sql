-- How far the bank is with deposits that were given back.

ALTER TABLE payments
    -- PENDING, or how it ended by the bank's word.
    ADD COLUMN account_refund TEXT
    CONSTRAINT payments_account_refund_word
    CHECK (account_refund IN ('PENDING', 'COMPLETED', 'FAILED', 'PARTIAL_FAILED'));
ALTER TABLE payments
    -- Since when.
    ADD COLUMN account_refund_at INTEGER
    CONSTRAINT payments_account_refund_since
    CHECK (
        (account_refund IS NULL) = (account_refund_at IS NULL)
        AND (account_refund IS NULL OR account_key IS NOT NULL)
    );
ALTER TABLE payments
    -- How it ended otherwise, as answers say that are not believed yet.
    ADD COLUMN account_refund_doubted TEXT;
ALTER TABLE payments
    -- Since when they say so.
    ADD COLUMN account_refund_doubted_at INTEGER
    CONSTRAINT payments_account_refund_doubted
    CHECK (
        (account_refund_doubted IS NULL) = (account_refund_doubted_at IS NULL)
        AND (account_refund_doubted IS NULL
            OR account_refund IS NOT NULL
                AND account_refund_doubted IN ('COMPLETED', 'FAILED', 'PARTIAL_FAILED'))
    );

-- What was given back at the gateway's console before is asked about, too.
UPDATE payments SET
    account_refund = 'PENDING',
    account_refund_at = coalesce(canceled_at, approved_at),
    account_look_at = coalesce(canceled_at, approved_at)
WHERE account_key IS NOT NULL AND canceled > 0 AND approved_at IS NOT NULL;
