-- Outgoing webhooks: where merchants want their events, and bringing each of them there.

CREATE TABLE webhook_endpoints (
    -- whe_…
    id TEXT COLLATE "C" NOT NULL,
    -- Whose events.
    merchant_id TEXT COLLATE "C" NOT NULL,
    -- test or live.
    mode TEXT COLLATE "C" NOT NULL,
    -- Where to.
    url TEXT NOT NULL,
    -- The kinds of events that are wanted, with commas; empty for all of them.
    events TEXT COLLATE "C" NOT NULL,
    -- Whether it is told of events: ENABLED; DISABLED by a person, GONE by its receiver's word,
    -- DEAD after days of failures, DELETED.
    status TEXT COLLATE "C" NOT NULL,
    -- What messages are signed with, sealed.
    secret BYTEA NOT NULL,
    -- The secret before the last rotation, sealed.
    previous_secret BYTEA,
    -- Until when messages are signed with it, too.
    previous_until TIMESTAMPTZ,
    -- Since when every try has failed.
    failing_since TIMESTAMPTZ,
    -- Raised by everything that is done to it; the condition of every such write.
    version BIGINT NOT NULL,
    -- Since when.
    created_at TIMESTAMPTZ NOT NULL,
    CONSTRAINT webhook_endpoints_key PRIMARY KEY (id),
    CONSTRAINT webhook_endpoints_merchant FOREIGN KEY (merchant_id) REFERENCES merchants (id),
    CONSTRAINT webhook_endpoints_id_form CHECK (id ~ '^whe_[0-9a-hjkmnp-tv-z]{34}$'),
    CONSTRAINT webhook_endpoints_mode_word CHECK (mode IN ('test', 'live')),
    CONSTRAINT webhook_endpoints_url_size CHECK (length(url) BETWEEN 1 AND 2048),
    CONSTRAINT webhook_endpoints_status_word
        CHECK (status IN ('ENABLED', 'DISABLED', 'GONE', 'DEAD', 'DELETED')),
    CONSTRAINT webhook_endpoints_previous_until
        CHECK ((previous_secret IS NULL) = (previous_until IS NULL)),
    CONSTRAINT webhook_endpoints_version_counted CHECK (version >= 1)
);

-- A merchant's endpoints, and those that are told of its events.
CREATE INDEX webhook_endpoints_by_scope ON webhook_endpoints (merchant_id, mode, created_at, id);

-- What was done to endpoints: a line for each version.
CREATE TABLE webhook_notes (
    -- To which.
    endpoint_id TEXT COLLATE "C" NOT NULL,
    -- The version that it has since.
    version BIGINT NOT NULL,
    -- What was done.
    deed TEXT COLLATE "C" NOT NULL,
    -- Who did it.
    actor TEXT COLLATE "C" NOT NULL,
    -- When.
    done_at TIMESTAMPTZ NOT NULL,
    CONSTRAINT webhook_notes_key PRIMARY KEY (endpoint_id, version),
    CONSTRAINT webhook_notes_endpoint
        FOREIGN KEY (endpoint_id) REFERENCES webhook_endpoints (id),
    CONSTRAINT webhook_notes_deed_word CHECK (deed IN (
        'CREATED', 'CHANGED', 'ROTATED', 'ENABLED', 'DISABLED', 'GONE', 'DEAD', 'DELETED')),
    CONSTRAINT webhook_notes_actor_word
        CHECK (actor IN ('MERCHANT', 'BUYER', 'OPERATOR', 'SYSTEM', 'GATEWAY'))
);

-- The bringing of one event to one endpoint.
CREATE TABLE deliveries (
    -- To where.
    endpoint_id TEXT COLLATE "C" NOT NULL,
    -- Of which payment.
    payment_id TEXT COLLATE "C" NOT NULL,
    -- Which of its events.
    sequence BIGINT NOT NULL,
    -- Where the event is in the feed.
    position BIGINT NOT NULL,
    -- PENDING, DELIVERED or FAILED.
    state TEXT COLLATE "C" NOT NULL,
    -- How often it was tried.
    tries BIGINT NOT NULL,
    -- How often since it was last begun.
    rung BIGINT NOT NULL,
    -- Since when it is tried.
    began_at TIMESTAMPTZ NOT NULL,
    -- When the next try is due; real time, as all times here.
    due_at TIMESTAMPTZ NOT NULL,
    -- Raised by each claim and each end of a try; the condition of every write.
    version BIGINT NOT NULL,
    -- wrk_…, who tries it.
    holder TEXT COLLATE "C",
    -- Until when nobody else may, by this database's clock.
    lease_until TIMESTAMPTZ,
    -- Since when it exists.
    created_at TIMESTAMPTZ NOT NULL,
    CONSTRAINT deliveries_key PRIMARY KEY (endpoint_id, payment_id, sequence),
    CONSTRAINT deliveries_endpoint FOREIGN KEY (endpoint_id) REFERENCES webhook_endpoints (id),
    CONSTRAINT deliveries_one_per_position UNIQUE (endpoint_id, position),
    CONSTRAINT deliveries_state_word CHECK (state IN ('PENDING', 'DELIVERED', 'FAILED')),
    CONSTRAINT deliveries_sequence_counted CHECK (sequence >= 1),
    CONSTRAINT deliveries_tries_counted CHECK (rung >= 0 AND tries >= rung),
    CONSTRAINT deliveries_version_counted CHECK (version >= 1),
    CONSTRAINT deliveries_held_until CHECK ((holder IS NULL) = (lease_until IS NULL))
);

-- What is due to each endpoint, oldest first.
CREATE INDEX deliveries_due ON deliveries (endpoint_id, due_at) WHERE state = 'PENDING';

-- What is past its time, oldest first.
CREATE INDEX deliveries_by_age ON deliveries (created_at);

-- The tries of deliveries.
CREATE TABLE delivery_attempts (
    -- Of which delivery: to where.
    endpoint_id TEXT COLLATE "C" NOT NULL,
    -- Of which payment.
    payment_id TEXT COLLATE "C" NOT NULL,
    -- Which of its events.
    sequence BIGINT NOT NULL,
    -- 1 for the first, without gaps.
    number BIGINT NOT NULL,
    -- When it began.
    tried_at TIMESTAMPTZ NOT NULL,
    -- How long it took, in microseconds.
    took_micros BIGINT NOT NULL,
    -- What it came to.
    outcome TEXT COLLATE "C" NOT NULL,
    -- The receiver's status, where it answered.
    status INTEGER,
    -- How the answer begins, or why there is none.
    detail TEXT NOT NULL,
    CONSTRAINT delivery_attempts_key PRIMARY KEY (endpoint_id, payment_id, sequence, number),
    CONSTRAINT delivery_attempts_delivery FOREIGN KEY (endpoint_id, payment_id, sequence)
        REFERENCES deliveries (endpoint_id, payment_id, sequence) ON DELETE CASCADE,
    CONSTRAINT delivery_attempts_number_counted CHECK (number >= 1),
    CONSTRAINT delivery_attempts_took_counted CHECK (took_micros >= 0),
    CONSTRAINT delivery_attempts_outcome_word
        CHECK (outcome IN ('TAKEN', 'GONE', 'REFUSED', 'UNANSWERED', 'FORBIDDEN')),
    CONSTRAINT delivery_attempts_status_size CHECK (status BETWEEN 100 AND 999)
);
