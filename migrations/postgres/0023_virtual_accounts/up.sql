-- Virtual accounts: where a buyer pays in, the sagas that have them issued, and what banks do with
-- deposits.

ALTER TABLE payments
    -- What the gateway calls the payment that the account was issued for.
    ADD COLUMN account_key TEXT COLLATE "C",
    -- At which bank, in the gateway's code.
    ADD COLUMN account_bank TEXT COLLATE "C",
    -- Until when a deposit is taken.
    ADD COLUMN account_due_at TIMESTAMPTZ,
    -- Its number, its holder and the secret of its notifications, sealed.
    ADD COLUMN account BYTEA,
    -- How often the bank took a deposit back.
    ADD COLUMN account_reversals BIGINT
    CONSTRAINT payments_account_whole
    CHECK (
        (account_key IS NULL) = (account IS NULL)
        AND (account_key IS NULL) = (account_bank IS NULL)
        AND (account_key IS NULL) = (account_due_at IS NULL)
        AND (account_key IS NULL) = (account_reversals IS NULL)
    )
    CONSTRAINT payments_account_when_virtual
    CHECK (account_key IS NULL OR kind = 'VIRTUAL_ACCOUNT')
    CONSTRAINT payments_account_key_size CHECK (length(account_key) BETWEEN 1 AND 200)
    CONSTRAINT payments_account_bank_size CHECK (length(account_bank) BETWEEN 1 AND 10)
    CONSTRAINT payments_account_reversals_counted
    CHECK (account_reversals BETWEEN 0 AND 4294967295);

ALTER TABLE sagas
    DROP CONSTRAINT sagas_kind_word,
    DROP CONSTRAINT sagas_outcome_word,
    DROP CONSTRAINT sagas_payment_key_unless_charge,
    ADD CONSTRAINT sagas_kind_word CHECK (
        kind IN ('APPROVAL', 'REVERSAL', 'CANCELLATION', 'CHARGE', 'ACCOUNT_ISSUE',
            'ACCOUNT_CLOSE')
    ),
    ADD CONSTRAINT sagas_outcome_word CHECK (
        outcome IN ('APPROVED', 'DECLINED', 'MISFIT', 'REVERSED', 'CANCELED', 'ISSUED', 'CLOSED')
    ),
    ADD CONSTRAINT sagas_payment_key_unless_charge
        CHECK ((payment_key IS NULL) = (kind IN ('CHARGE', 'ACCOUNT_ISSUE'))),
    -- What only its call needs and nobody else may read, sealed; gone with its end.
    ADD COLUMN sealed BYTEA
    CONSTRAINT sagas_sealed_while_open CHECK (sealed IS NULL OR phase <> 'CLOSED');

ALTER TABLE entries
    DROP CONSTRAINT entries_movement_form,
    ADD CONSTRAINT entries_movement_form CHECK (
        movement = 'capture' OR movement LIKE 'cancel:_%'
        OR movement LIKE 'deposit:_%' OR movement LIKE 'reversal:_%'
    );
