-- What is owed stays until it is brought or given up; what is over goes by when it ended, which is
-- its due_at. A try that could not be made is a try.

DROP INDEX deliveries_by_age;

-- What is over, that which ended first before the rest.
CREATE INDEX deliveries_ended ON deliveries (due_at) WHERE state <> 'PENDING';

-- The tries of deliveries, whose outcomes this database can only change with the whole table.
CREATE TABLE tries (
    -- Of which delivery: to where.
    endpoint_id TEXT NOT NULL,
    -- Of which payment.
    payment_id TEXT NOT NULL,
    -- Which of its events.
    sequence INTEGER NOT NULL,
    -- 1 for the first, without gaps.
    number INTEGER NOT NULL,
    -- When it began.
    tried_at INTEGER NOT NULL,
    -- How long it took, in microseconds.
    took_micros INTEGER NOT NULL,
    -- What it came to.
    outcome TEXT NOT NULL,
    -- The receiver's status, where it answered.
    status INTEGER,
    -- How the answer begins, or why there is none.
    detail TEXT NOT NULL,
    CONSTRAINT delivery_attempts_key PRIMARY KEY (endpoint_id, payment_id, sequence, number),
    CONSTRAINT delivery_attempts_delivery FOREIGN KEY (endpoint_id, payment_id, sequence)
        REFERENCES deliveries (endpoint_id, payment_id, sequence) ON DELETE CASCADE,
    CONSTRAINT delivery_attempts_number_counted CHECK (number >= 1),
    CONSTRAINT delivery_attempts_took_counted CHECK (took_micros >= 0),
    CONSTRAINT delivery_attempts_outcome_word
        CHECK (outcome IN ('TAKEN', 'GONE', 'REFUSED', 'UNANSWERED', 'FORBIDDEN', 'UNMADE')),
    CONSTRAINT delivery_attempts_status_size CHECK (status BETWEEN 100 AND 999)
) STRICT;

INSERT INTO tries SELECT * FROM delivery_attempts;
DROP TABLE delivery_attempts;
ALTER TABLE tries RENAME TO delivery_attempts;
