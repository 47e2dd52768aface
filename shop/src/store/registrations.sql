-- A card that somebody registers, and what for: stored before the gateway's window is opened.
CREATE TABLE registrations (
    -- Payflow's id of the card.
    card           TEXT PRIMARY KEY,
    -- Whose it is: a hash of the session.
    owner          TEXT NOT NULL,
    -- What the window was opened with, and has to bring back.
    customer_key   TEXT NOT NULL,
    -- SUBSCRIBE to a plan, or PAY a subscription with it.
    purpose        TEXT NOT NULL,
    -- Which plan or subscription.
    subject        TEXT NOT NULL,
    -- What the window brought back; forgotten at the end.
    auth_key       TEXT,
    -- OPEN, DONE or REFUSED.
    state          TEXT NOT NULL,
    -- Payflow's code, once refused.
    code           TEXT,
    -- Since when, in microseconds since 1970.
    created_micros INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- A visitor's, newest first.
CREATE INDEX registrations_of_owner ON registrations (owner, created_micros DESC);
-- Those to be brought on.
CREATE INDEX registrations_open ON registrations (card)
    WHERE state = 'OPEN' AND auth_key IS NOT NULL;

PRAGMA user_version = 4;
