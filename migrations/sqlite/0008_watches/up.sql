-- How far the gateway's own list of movements is compared with the books.

CREATE TABLE watches (
    -- Which account.
    gateway_account_id TEXT NOT NULL,
    -- Every movement until then is booked, or has a row in sightings; by the service's clock.
    watched_until INTEGER NOT NULL,
    -- When it is looked at next, by this database's clock: one of several services takes it.
    due_at INTEGER NOT NULL,
    CONSTRAINT watches_key PRIMARY KEY (gateway_account_id),
    CONSTRAINT watches_account FOREIGN KEY (gateway_account_id) REFERENCES gateway_accounts (id)
) STRICT;

-- Payments that the list shows to have moved, and that the books lack: looked at until settled.
CREATE TABLE sightings (
    -- In which account's list.
    gateway_account_id TEXT NOT NULL,
    -- Which authentication.
    payment_key TEXT NOT NULL,
    -- gwo_…, the order that the list names.
    gateway_order_id TEXT NOT NULL,
    -- When it was seen first; by the service's clock.
    first_seen_at INTEGER NOT NULL,
    -- When it is looked at next, by this database's clock: one of several services takes it.
    due_at INTEGER NOT NULL,
    -- How often it was taken; the condition of every write.
    looks INTEGER NOT NULL,
    -- Why it is not booked, as the last answer had it.
    verdict TEXT,
    -- Whether a person was told, after two answers of the same verdict.
    reported INTEGER NOT NULL,
    CONSTRAINT sightings_key PRIMARY KEY (gateway_account_id, payment_key),
    CONSTRAINT sightings_account FOREIGN KEY (gateway_account_id) REFERENCES gateway_accounts (id),
    CONSTRAINT sightings_order FOREIGN KEY (gateway_order_id) REFERENCES gateway_orders (id),
    CONSTRAINT sightings_looks_counted CHECK (looks >= 0)
) STRICT;
