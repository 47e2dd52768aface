-- What happens to what is no payment, subscriptions and stored cards, in the one feed
-- (docs/adr/0023-the-feed-has-subjects.md). From here on payment_id in unsequenced, feed and parked
-- is the id of what an event is of, whatever that is; ids tell by how they begin.

CREATE TABLE member_events (
    -- sub_… or bkey_…, what it happened to.
    subject TEXT COLLATE "C" NOT NULL,
    -- 1 for the first of its subject, without gaps.
    sequence BIGINT NOT NULL,
    -- Whose.
    merchant_id TEXT COLLATE "C" NOT NULL,
    -- test or live.
    mode TEXT COLLATE "C" NOT NULL,
    -- What happened.
    kind TEXT COLLATE "C" NOT NULL,
    -- Status before; none for the first.
    from_status TEXT COLLATE "C",
    -- Status after.
    to_status TEXT COLLATE "C" NOT NULL,
    -- Who caused it.
    actor TEXT COLLATE "C" NOT NULL,
    -- Whose subscription or card it is, by the merchant's own id.
    member TEXT COLLATE "C" NOT NULL,
    -- When.
    occurred_at TIMESTAMPTZ NOT NULL,
    -- What it tells, without personal data: JSON, published as these bytes.
    payload BYTEA NOT NULL,
    CONSTRAINT member_events_key PRIMARY KEY (subject, sequence),
    CONSTRAINT member_events_mode_word CHECK (mode IN ('test', 'live')),
    CONSTRAINT member_events_sequence_counted CHECK (sequence >= 1),
    CONSTRAINT member_events_from_the_second CHECK ((from_status IS NULL) = (sequence = 1))
);

CREATE TRIGGER member_events_not_updated BEFORE UPDATE ON member_events
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER member_events_not_deleted BEFORE DELETE ON member_events
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER member_events_not_truncated BEFORE TRUNCATE ON member_events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- By trigger, as with payments' events: nobody can forget it.
CREATE FUNCTION await_position_of_member() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO unsequenced (payment_id, sequence) VALUES (NEW.subject, NEW.sequence);
    RETURN NULL;
END
$$;

CREATE TRIGGER member_events_await_position AFTER INSERT ON member_events
    FOR EACH ROW EXECUTE FUNCTION await_position_of_member();

-- What happened before is not told: members would hear of years of it, each cycle once more, and
-- payments would wait behind all of it. A subject that was there begins with its next event.

-- What operators are told of every few seconds: what is under way, which does not become more with
-- the years, and which keys end.
CREATE INDEX cycles_under_way ON cycles (merchant_id, mode, status)
WHERE status IN ('CHARGING', 'HELD');
CREATE INDEX api_keys_ending ON api_keys (expires_at) WHERE expires_at IS NOT NULL;
