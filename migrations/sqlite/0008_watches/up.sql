-- How far the gateway's own list of movements is compared with the books.

CREATE TABLE watches (
    -- Which account.
    gateway_account_id TEXT NOT NULL,
    -- Every movement until then is booked, or a person was told of it; by the service's clock.
    watched_until INTEGER NOT NULL,
    -- When it is looked at next, by this database's clock: one of several services takes it.
    due_at INTEGER NOT NULL,
    CONSTRAINT watches_key PRIMARY KEY (gateway_account_id),
    CONSTRAINT watches_account FOREIGN KEY (gateway_account_id) REFERENCES gateway_accounts (id)
) STRICT;
