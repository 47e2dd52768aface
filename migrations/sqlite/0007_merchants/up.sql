-- Which currencies a merchant takes, and whether it may do anything.

-- ACTIVE or SUSPENDED.
ALTER TABLE merchants ADD COLUMN status TEXT NOT NULL DEFAULT 'ACTIVE'
    CONSTRAINT merchants_status_word CHECK (status IN ('ACTIVE', 'SUSPENDED'));

-- Each once and in this order, so that one set has one text.
ALTER TABLE merchants ADD COLUMN currencies TEXT NOT NULL DEFAULT 'KRW'
    CONSTRAINT merchants_currencies_set CHECK (
        currencies IN (
            'KRW', 'USD', 'JPY', 'KRW,USD', 'KRW,JPY', 'USD,JPY', 'KRW,USD,JPY'
        )
    );

-- Raised by every change; a change is written on top of the version it was decided from only.
ALTER TABLE merchants ADD COLUMN version INTEGER NOT NULL DEFAULT 1
    CONSTRAINT merchants_version_counted CHECK (version >= 1);
