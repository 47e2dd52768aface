-- Where a merchant's days begin and end.

-- A name of the IANA database; the service knows which there are.
ALTER TABLE merchants ADD COLUMN zone TEXT NOT NULL DEFAULT 'Asia/Seoul'
    CONSTRAINT merchants_zone_form CHECK (
        length(zone) BETWEEN 1 AND 64 AND zone NOT GLOB '*[^A-Za-z0-9_+/-]*'
    );
