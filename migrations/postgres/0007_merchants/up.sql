-- Which currencies a merchant takes, and whether it may do anything.

ALTER TABLE merchants
    -- ACTIVE or SUSPENDED.
    ADD COLUMN status TEXT COLLATE "C" NOT NULL DEFAULT 'ACTIVE',
    -- Each once and in this order, so that one set has one text.
    ADD COLUMN currencies TEXT COLLATE "C" NOT NULL DEFAULT 'KRW',
    -- Raised by every change; a change is written on top of the version it was decided from only.
    ADD COLUMN version BIGINT NOT NULL DEFAULT 1,
    ADD CONSTRAINT merchants_status_word CHECK (status IN ('ACTIVE', 'SUSPENDED')),
    ADD CONSTRAINT merchants_currencies_set CHECK (
        currencies IN (
            'KRW', 'USD', 'JPY', 'KRW,USD', 'KRW,JPY', 'USD,JPY', 'KRW,USD,JPY'
        )
    ),
    ADD CONSTRAINT merchants_version_counted CHECK (version >= 1);
