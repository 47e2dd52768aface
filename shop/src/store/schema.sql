-- A visitor's cart: it holds one product.
CREATE TABLE carts (
    -- Whose it is: a hash of the session.
    owner    TEXT PRIMARY KEY,
    -- The product's name in the catalogue.
    product  TEXT NOT NULL,
    -- How many of it.
    quantity INTEGER NOT NULL CHECK (quantity > 0)
) STRICT, WITHOUT ROWID;

-- What somebody wants to buy.
CREATE TABLE orders (
    -- The number, for people and for Payflow.
    id             TEXT PRIMARY KEY,
    -- Whose it is: a hash of the session.
    owner          TEXT NOT NULL,
    -- The product's name in the catalogue.
    product        TEXT NOT NULL,
    -- What it was called when it was ordered.
    name           TEXT NOT NULL,
    -- How many of it.
    quantity       INTEGER NOT NULL CHECK (quantity > 0),
    -- What is to be paid, in won.
    amount         INTEGER NOT NULL CHECK (amount > 0),
    -- PENDING, CONFIRMED, CANCELLED or EXPIRED.
    status         TEXT NOT NULL,
    -- How far that is; it never decreases.
    status_rank    INTEGER NOT NULL,
    -- What Payflow last told about the payment, as JSON; null before it is prepared.
    payment        TEXT,
    -- Given back so far, in won; it never decreases.
    refunded       INTEGER NOT NULL DEFAULT 0 CHECK (refunded BETWEEN 0 AND amount),
    -- Whether Payflow is still finding out what happened at the gateway.
    is_moving      INTEGER NOT NULL DEFAULT 0,
    -- Since when, in microseconds since 1970.
    created_micros INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- A visitor's orders, newest first.
CREATE INDEX orders_of_owner ON orders (owner, created_micros DESC);
-- Those to be looked after.
CREATE INDEX orders_moving ON orders (id) WHERE is_moving = 1;

-- Those that wait for their buyer.
CREATE INDEX orders_waiting ON orders (created_micros) WHERE status_rank = 0;

-- What was asked of Payflow and moves money, stored before it is sent.
CREATE TABLE intents (
    -- Of which order.
    order_id      TEXT NOT NULL REFERENCES orders (id),
    -- 1 for an order's first; with the order it makes the idempotency key.
    number        INTEGER NOT NULL,
    -- APPROVE, REFUND or WITHDRAW.
    act           TEXT NOT NULL,
    -- The authentication to approve.
    payment_key   TEXT,
    -- The opening of the window it belongs to.
    gateway_order TEXT,
    -- What to give back, in won.
    amount        INTEGER CHECK (amount > 0),
    -- OPEN, DONE or REFUSED.
    state         TEXT NOT NULL,
    -- Payflow's code, once refused.
    code          TEXT,
    PRIMARY KEY (order_id, number)
) STRICT, WITHOUT ROWID;

-- An order asks for one thing at a time.
CREATE UNIQUE INDEX intents_open ON intents (order_id) WHERE state = 'OPEN';

PRAGMA user_version = 1;
