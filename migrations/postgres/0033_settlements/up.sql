-- What people found out about sagas whose outcome no answer of the gateway told. It stays; only
-- what the gateway says against it afterwards is added, once, and who dealt with that.

CREATE TABLE settlements (
    -- sag_…, which saga.
    saga_id TEXT COLLATE "C" NOT NULL,
    -- pay_…, of which payment.
    payment_id TEXT COLLATE "C" NOT NULL,
    -- What became of the money.
    verdict TEXT COLLATE "C" NOT NULL,
    -- How that is known.
    evidence TEXT NOT NULL,
    -- Who says so.
    settled_by TEXT NOT NULL,
    -- The gateway's name of the movement, where there was one.
    reference TEXT COLLATE "C",
    -- When it happened there, as far as it is known.
    occurred_at TIMESTAMPTZ,
    -- When it was settled.
    settled_at TIMESTAMPTZ NOT NULL,
    -- What the gateway said against it, the first time.
    contradiction TEXT,
    -- When that was heard.
    contradicted_at TIMESTAMPTZ,
    -- Who found out the same, where one person may not decide alone.
    confirmed_by TEXT,
    -- How that one knows.
    confirmation TEXT,
    -- Who dealt with what the gateway said against it.
    acknowledged_by TEXT,
    -- What came of that.
    acknowledgement TEXT,
    -- When they said so.
    acknowledged_at TIMESTAMPTZ,
    CONSTRAINT settlements_key PRIMARY KEY (saga_id),
    CONSTRAINT settlements_saga FOREIGN KEY (saga_id) REFERENCES sagas (id),
    CONSTRAINT settlements_verdict_word CHECK (
        verdict IN ('CAPTURED', 'NOT_CAPTURED', 'GIVEN_BACK', 'NOT_GIVEN_BACK')),
    CONSTRAINT settlements_evidence_size CHECK (length(evidence) BETWEEN 1 AND 500),
    CONSTRAINT settlements_by_size CHECK (length(settled_by) BETWEEN 1 AND 100),
    CONSTRAINT settlements_contradicted_whole CHECK (
        (contradiction IS NULL) = (contradicted_at IS NULL)),
    CONSTRAINT settlements_confirmed_whole CHECK (
        (confirmed_by IS NULL) = (confirmation IS NULL)),
    CONSTRAINT settlements_confirmation_size CHECK (length(confirmation) BETWEEN 1 AND 500),
    CONSTRAINT settlements_confirmed_by_size CHECK (length(confirmed_by) BETWEEN 1 AND 100),
    CONSTRAINT settlements_acknowledged_whole CHECK (
        (acknowledgement IS NULL) = (acknowledged_at IS NULL)
        AND (acknowledged_by IS NULL) = (acknowledged_at IS NULL)
        AND (acknowledged_at IS NULL OR contradicted_at IS NOT NULL)),
    CONSTRAINT settlements_acknowledgement_size CHECK (
        length(acknowledgement) BETWEEN 1 AND 500),
    CONSTRAINT settlements_acknowledged_by_size CHECK (length(acknowledged_by) BETWEEN 1 AND 100)
);

-- What a person has to look into.
CREATE INDEX settlements_contradicted ON settlements (contradicted_at, saga_id)
    WHERE contradicted_at IS NOT NULL;

CREATE TRIGGER settlements_not_updated BEFORE UPDATE ON settlements
    FOR EACH ROW WHEN (
        OLD.acknowledged_at IS NOT NULL
        OR (OLD.contradicted_at IS NOT NULL
            AND (NEW.contradiction, NEW.contradicted_at)
            IS DISTINCT FROM (OLD.contradiction, OLD.contradicted_at))
        OR (NEW.saga_id, NEW.payment_id, NEW.verdict, NEW.evidence, NEW.settled_by, NEW.reference,
            NEW.occurred_at, NEW.settled_at, NEW.confirmed_by, NEW.confirmation)
        IS DISTINCT FROM
        (OLD.saga_id, OLD.payment_id, OLD.verdict, OLD.evidence, OLD.settled_by, OLD.reference,
            OLD.occurred_at, OLD.settled_at, OLD.confirmed_by, OLD.confirmation)
    ) EXECUTE FUNCTION refuse_change();
CREATE TRIGGER settlements_not_deleted BEFORE DELETE ON settlements
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER settlements_not_truncated BEFORE TRUNCATE ON settlements
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- What one person found out where a second one has to find out the same; every word of it stays.
CREATE TABLE proposals (
    -- sag_…, about which saga.
    saga_id TEXT COLLATE "C" NOT NULL,
    -- pay_…, of which payment.
    payment_id TEXT COLLATE "C" NOT NULL,
    -- What became of the money.
    verdict TEXT COLLATE "C" NOT NULL,
    -- How that is known.
    evidence TEXT NOT NULL,
    -- Who says so.
    proposed_by TEXT COLLATE "C" NOT NULL,
    -- The gateway's name of the movement, where there was one.
    reference TEXT COLLATE "C",
    -- When it happened there, as far as it is known.
    occurred_at TIMESTAMPTZ,
    -- When it was proposed.
    proposed_at TIMESTAMPTZ NOT NULL,
    CONSTRAINT proposals_key PRIMARY KEY (saga_id, proposed_at, proposed_by),
    CONSTRAINT proposals_saga FOREIGN KEY (saga_id) REFERENCES sagas (id),
    CONSTRAINT proposals_verdict_word CHECK (
        verdict IN ('CAPTURED', 'NOT_CAPTURED', 'GIVEN_BACK', 'NOT_GIVEN_BACK')),
    CONSTRAINT proposals_evidence_size CHECK (length(evidence) BETWEEN 1 AND 500),
    CONSTRAINT proposals_by_size CHECK (length(proposed_by) BETWEEN 1 AND 100)
);

CREATE TRIGGER proposals_not_updated BEFORE UPDATE ON proposals
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER proposals_not_deleted BEFORE DELETE ON proposals
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER proposals_not_truncated BEFORE TRUNCATE ON proposals
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
