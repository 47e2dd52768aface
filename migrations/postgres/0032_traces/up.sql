-- Which span of its trace caused a saga or an event, so that a trace stays a chain over restarts,
-- and whether whoever began the trace records it.

ALTER TABLE sagas
    -- Span and flags of W3C Trace Context, as 0123456789abcdef-01; empty where neither is known.
    ADD COLUMN trace_parent TEXT COLLATE "C" NOT NULL DEFAULT '';

ALTER TABLE events
    -- The same of what caused the event.
    ADD COLUMN trace_parent TEXT COLLATE "C" NOT NULL DEFAULT '';

-- What is no payment has a trace from here on, too: that of the work that committed the event.
ALTER TABLE member_events
    -- 32 hex digits, as events have it; empty where it is not known.
    ADD COLUMN trace_id TEXT COLLATE "C" NOT NULL DEFAULT '',
    -- As above.
    ADD COLUMN trace_parent TEXT COLLATE "C" NOT NULL DEFAULT '';
