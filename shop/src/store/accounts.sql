-- How the order is paid: WINDOW or ACCOUNT.
ALTER TABLE orders ADD COLUMN way TEXT NOT NULL DEFAULT 'WINDOW';
-- How often a bank took back what had been paid in.
ALTER TABLE orders ADD COLUMN reversals INTEGER NOT NULL DEFAULT 0;
-- How often what is known of the order has changed.
ALTER TABLE orders ADD COLUMN revision INTEGER NOT NULL DEFAULT 0;

-- Of which bank the account shall be.
ALTER TABLE intents ADD COLUMN bank TEXT;
-- In whose name it shall be.
ALTER TABLE intents ADD COLUMN holder TEXT;

PRAGMA user_version = 3;
