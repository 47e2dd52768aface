-- The order of all events, who gives it and who reads it (docs/adr/0009-the-feed.md).

-- Events that have no position yet. A row becomes visible with its event, whenever that commits.
CREATE TABLE unsequenced (
    -- The order of insertion. Of one payment's events the later one is inserted after the earlier
    -- one has committed, so it has the higher number.
    id INTEGER NOT NULL,
    -- Of which payment.
    payment_id TEXT NOT NULL,
    -- Which of its events.
    sequence INTEGER NOT NULL,
    CONSTRAINT unsequenced_key PRIMARY KEY (id)
) STRICT;

-- By trigger, so that no writer can forget it, nor a copy that is older than this table.
CREATE TRIGGER events_await_position AFTER INSERT ON events
BEGIN
    INSERT INTO unsequenced (payment_id, sequence) VALUES (NEW.payment_id, NEW.sequence);
END;

-- The log's one order: a position for every event, without gaps.
CREATE TABLE feed (
    -- 1 for the first.
    position INTEGER NOT NULL,
    -- Whose.
    merchant_id TEXT NOT NULL,
    -- test or live.
    mode TEXT NOT NULL,
    -- Of which payment.
    payment_id TEXT NOT NULL,
    -- Which of its events.
    sequence INTEGER NOT NULL,
    CONSTRAINT feed_key PRIMARY KEY (position),
    CONSTRAINT feed_one_per_event UNIQUE (payment_id, sequence),
    CONSTRAINT feed_position_counted CHECK (position >= 1)
) STRICT;

-- What one tenant may read, in order.
CREATE INDEX feed_by_scope ON feed (merchant_id, mode, position);

CREATE TRIGGER feed_not_updated BEFORE UPDATE ON feed
BEGIN
    SELECT RAISE(ABORT, 'feed is append-only');
END;
CREATE TRIGGER feed_not_deleted BEFORE DELETE ON feed
BEGIN
    SELECT RAISE(ABORT, 'feed is append-only');
END;

-- What positions are counted in: raised when events may have been lost, as by a restore, so that
-- nobody outside goes on from a position that now is another event's.
CREATE TABLE epochs (
    -- The highest is in force. Seconds since 1970 or more: one that was lost is not given again.
    number INTEGER NOT NULL,
    -- Since when.
    raised_at INTEGER NOT NULL,
    -- Why.
    why TEXT NOT NULL,
    CONSTRAINT epochs_key PRIMARY KEY (number),
    CONSTRAINT epochs_number_counted CHECK (number >= 1)
) STRICT;

INSERT INTO epochs (number, raised_at, why)
VALUES (unixepoch(), unixepoch() * 1000000, 'made');

-- Who does a job that only one may do at a time.
CREATE TABLE leases (
    -- Which job.
    job TEXT NOT NULL,
    -- wrk_…, who had it last.
    holder TEXT NOT NULL,
    -- Raised whenever it is taken; the condition of every write of the job.
    fence INTEGER NOT NULL,
    -- Until when nobody else may take it, by this database's clock.
    until INTEGER NOT NULL,
    CONSTRAINT leases_key PRIMARY KEY (job),
    CONSTRAINT leases_fence_counted CHECK (fence >= 1)
) STRICT;

-- How far each reader of the feed is: everything up to there is delivered, or parked.
CREATE TABLE cursors (
    -- Which reader.
    reader TEXT NOT NULL,
    -- In which epoch.
    epoch INTEGER NOT NULL,
    -- The last position that is done; 0 before the first.
    position INTEGER NOT NULL,
    CONSTRAINT cursors_key PRIMARY KEY (reader),
    CONSTRAINT cursors_position_counted CHECK (position >= 0)
) STRICT;

-- Events that a reader could not deliver, and every later one of their payments.
CREATE TABLE parked (
    -- By which reader.
    reader TEXT NOT NULL,
    -- Of which payment.
    payment_id TEXT NOT NULL,
    -- Which of its events.
    sequence INTEGER NOT NULL,
    -- Where it is in the feed.
    position INTEGER NOT NULL,
    -- Why it is not delivered.
    reason TEXT NOT NULL,
    -- Since when; by the service's clock.
    parked_at INTEGER NOT NULL,
    -- Whether somebody asked to try again from this event on.
    asked INTEGER NOT NULL,
    CONSTRAINT parked_key PRIMARY KEY (reader, payment_id, sequence)
) STRICT;

-- What is to be tried again.
CREATE INDEX parked_asked ON parked (reader, position) WHERE asked;

-- What is in the log already, in the order in which it happened; a payment's events in their own,
-- also where a clock was set back between them.
INSERT INTO unsequenced (payment_id, sequence)
SELECT payment_id, sequence
FROM (
    SELECT payment_id, sequence,
        MAX(occurred_at) OVER (PARTITION BY payment_id ORDER BY sequence) AS happened_at
    FROM events
) AS told
ORDER BY happened_at, payment_id, sequence;
