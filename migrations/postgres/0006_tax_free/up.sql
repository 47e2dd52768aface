-- What the gateway counts as without VAT: the buyer's browser names it there, so it may be another
-- part than the merchant prepared.

ALTER TABLE payments
    -- The part of captured without VAT, as the gateway counts it.
    ADD COLUMN captured_tax_free BIGINT NOT NULL DEFAULT 0
    CONSTRAINT payments_captured_tax_free_within
    CHECK (captured_tax_free >= 0 AND captured_tax_free <= captured);

-- Until now it was taken to be what was asked for.
UPDATE payments SET captured_tax_free = tax_free WHERE captured > 0;
