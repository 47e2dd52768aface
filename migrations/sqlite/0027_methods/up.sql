-- Which payments an account is there for: a merchant's accounts are chosen among by method.

ALTER TABLE gateway_accounts
    -- Words with commas between them, as CARD,EASY_PAY; none for all that its gateway can.
    ADD COLUMN methods TEXT
    CONSTRAINT gateway_accounts_methods_form CHECK (
        length(methods) > 0 AND methods NOT GLOB '*[^A-Z_,]*'
    );
