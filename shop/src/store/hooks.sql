-- Where Payflow tells the shop what happens: one row at most.
CREATE TABLE hook (
    -- It is the only one.
    number   INTEGER PRIMARY KEY CHECK (number = 1),
    -- Payflow's name of the endpoint.
    endpoint TEXT NOT NULL,
    -- The address that it has there.
    url      TEXT NOT NULL,
    -- What messages are verified with.
    secret   TEXT NOT NULL
) STRICT;

-- The messages that were taken: each counts once.
CREATE TABLE messages (
    -- Its name.
    id           TEXT PRIMARY KEY,
    -- When it was taken, in microseconds since 1970.
    taken_micros INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Those that cannot come again any more.
CREATE INDEX messages_by_age ON messages (taken_micros);

-- How many things had happened to the payment by the newest message.
ALTER TABLE orders ADD COLUMN told INTEGER NOT NULL DEFAULT 0;

PRAGMA user_version = 2;
