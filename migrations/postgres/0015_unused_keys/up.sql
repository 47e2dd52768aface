-- Keys that were handed out and never used are swept by when their time was over.

CREATE INDEX issued_keys_expires_at ON issued_keys (expires_at);
