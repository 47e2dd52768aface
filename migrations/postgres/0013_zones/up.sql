-- Where a merchant's days begin and end.

ALTER TABLE merchants
    -- A name of the IANA database; the service knows which there are.
    ADD COLUMN zone TEXT COLLATE "C" NOT NULL DEFAULT 'Asia/Seoul',
    ADD CONSTRAINT merchants_zone_form CHECK (zone ~ '^[A-Za-z0-9_+/-]{1,64}$');
