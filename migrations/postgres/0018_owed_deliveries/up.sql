-- What is owed stays until it is brought or given up; what is over goes by when it ended, which is
-- its due_at. A try that could not be made is a try.

DROP INDEX deliveries_by_age;

-- What is over, that which ended first before the rest.
CREATE INDEX deliveries_ended ON deliveries (due_at) WHERE state <> 'PENDING';

ALTER TABLE delivery_attempts DROP CONSTRAINT delivery_attempts_outcome_word;
ALTER TABLE delivery_attempts ADD CONSTRAINT delivery_attempts_outcome_word
    CHECK (outcome IN ('TAKEN', 'GONE', 'REFUSED', 'UNANSWERED', 'FORBIDDEN', 'UNMADE'));
