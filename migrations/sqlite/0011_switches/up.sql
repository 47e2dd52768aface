-- Safety switches: what was paused or let go on, by whom and why. Turns stay; the newest is in
-- force.

CREATE TABLE switches (
    -- approvals or cancels.
    operation TEXT NOT NULL,
    -- How far: everywhere, mer_…, mer_…/test, mer_…/live or gwa_….
    reach TEXT NOT NULL,
    -- The first turn is 1, each next one higher by one.
    number INTEGER NOT NULL,
    -- Paused from then on, or not.
    paused INTEGER NOT NULL,
    -- In which role: MERCHANT or OPERATOR.
    actor TEXT NOT NULL,
    -- Who turned it, as far as it is known.
    who TEXT NOT NULL,
    -- Why.
    why TEXT NOT NULL,
    -- When.
    turned_at INTEGER NOT NULL,
    CONSTRAINT switches_key PRIMARY KEY (operation, reach, number),
    CONSTRAINT switches_operation_word CHECK (operation IN ('approvals', 'cancels')),
    CONSTRAINT switches_reach_form CHECK (
        reach = 'everywhere'
        OR (substr(reach, 1, 4) IN ('mer_', 'gwa_') AND length(reach) = 38
            OR substr(reach, 1, 4) = 'mer_' AND substr(reach, 39) IN ('/test', '/live'))
        AND substr(reach, 5, 34) NOT GLOB '*[^0-9a-hjkmnp-tv-z]*'
    ),
    CONSTRAINT switches_number_counted CHECK (number >= 1),
    CONSTRAINT switches_actor_word CHECK (actor IN ('MERCHANT', 'OPERATOR')),
    CONSTRAINT switches_who_size CHECK (length(who) <= 100),
    CONSTRAINT switches_why_size CHECK (length(why) BETWEEN 1 AND 200)
) STRICT;

-- What happened last.
CREATE INDEX switches_by_time ON switches (turned_at DESC, operation DESC, reach DESC, number DESC);

CREATE TRIGGER switches_not_updated BEFORE UPDATE ON switches
BEGIN
    SELECT RAISE(ABORT, 'switches is append-only');
END;
CREATE TRIGGER switches_not_deleted BEFORE DELETE ON switches
BEGIN
    SELECT RAISE(ABORT, 'switches is append-only');
END;
