-- A payment that moves again is looked at at once, however long its next look was put off.

ALTER TABLE sightings
    -- When the latest movement happened that the list shows and the books lack, by the gateway's
    -- clock; empty where it is not dated.
    ADD COLUMN moved_at TIMESTAMPTZ;
