-- What is doubted of virtual accounts, when they are asked about unasked, and that one deposit is
-- booked once, however often it is shown.

ALTER TABLE payments
    -- The saga that closes the account at the gateway, while one does.
    ADD COLUMN account_saga_id TEXT
    CONSTRAINT payments_account_saga_while_waiting
    CHECK (
        account_saga_id IS NULL OR (account_key IS NOT NULL AND status = 'WAITING_FOR_DEPOSIT')
    );
ALTER TABLE payments
    -- What one answer alone denied of the account: DEPOSIT or ACCOUNT.
    ADD COLUMN account_denied TEXT
    CONSTRAINT payments_account_denied_word CHECK (account_denied IN ('DEPOSIT', 'ACCOUNT'));
ALTER TABLE payments
    -- Since when it is denied.
    ADD COLUMN account_denied_at INTEGER
    CONSTRAINT payments_account_denied_since
    CHECK (
        (account_denied IS NULL) = (account_denied_at IS NULL)
        AND (account_denied IS NULL OR account_key IS NOT NULL)
    );
ALTER TABLE payments
    -- When the gateway is asked about the account next.
    ADD COLUMN account_look_at INTEGER
    CONSTRAINT payments_account_looked_at
    CHECK (account_look_at IS NULL OR account_key IS NOT NULL);

-- The accounts that are asked about next.
CREATE INDEX payments_account_looks ON payments (account_look_at, id)
WHERE account_look_at IS NOT NULL;

-- Whatever waits or was paid before is asked about once, and then as all others are.
UPDATE payments SET account_look_at = account_due_at
WHERE account_key IS NOT NULL AND status IN ('WAITING_FOR_DEPOSIT', 'DONE');

-- Money comes in once under each of the gateway's names.
CREATE UNIQUE INDEX entries_one_per_transaction
ON entries (gateway_account_id, payment_key, transaction_key)
WHERE debit = 'gateway_receivable' AND transaction_key IS NOT NULL;
