-- Step-up challenges: who was asked to prove themselves, for what, and whether they did.

CREATE TABLE step_up_challenges (
    -- chl_…, which the proof has to name.
    id TEXT COLLATE "C" NOT NULL,
    -- Whose member is asked.
    merchant_id TEXT COLLATE "C" NOT NULL,
    -- test or live.
    mode TEXT COLLATE "C" NOT NULL,
    -- Who is asked.
    member TEXT COLLATE "C" NOT NULL,
    -- SHA-256 over tenant, mode, member and device: on which device.
    device_hash BYTEA NOT NULL,
    -- About which payment.
    payment_id TEXT COLLATE "C" NOT NULL,
    -- What they want: approve or cancel.
    action TEXT COLLATE "C" NOT NULL,
    -- When it was asked, in real time, as all times here.
    issued_at TIMESTAMPTZ NOT NULL,
    -- From when on no proof of it is taken.
    expires_at TIMESTAMPTZ NOT NULL,
    -- When its proof was spent.
    spent_at TIMESTAMPTZ,
    -- Until when it is worth remembering: its expiry, or as long as its device is known.
    kept_until TIMESTAMPTZ NOT NULL,
    CONSTRAINT step_up_challenges_key PRIMARY KEY (id),
    CONSTRAINT step_up_challenges_payment FOREIGN KEY (payment_id) REFERENCES payments (id),
    CONSTRAINT step_up_challenges_id_form CHECK (id ~ '^chl_[0-9a-hjkmnp-tv-z]{34}$'),
    CONSTRAINT step_up_challenges_mode_word CHECK (mode IN ('test', 'live')),
    CONSTRAINT step_up_challenges_member_size CHECK (length(member) BETWEEN 1 AND 64),
    CONSTRAINT step_up_challenges_device_size CHECK (octet_length(device_hash) = 32),
    CONSTRAINT step_up_challenges_action_word CHECK (action IN ('approve', 'cancel')),
    CONSTRAINT step_up_challenges_expiry_later CHECK (expires_at > issued_at),
    CONSTRAINT step_up_challenges_spent_in_time CHECK (spent_at < expires_at),
    CONSTRAINT step_up_challenges_kept_to_expiry CHECK (kept_until >= expires_at)
);

-- The devices that a member proved themselves on.
CREATE INDEX step_up_challenges_by_device
    ON step_up_challenges (merchant_id, mode, member, device_hash, spent_at)
    WHERE spent_at IS NOT NULL;

-- What is past its time, oldest end first.
CREATE INDEX step_up_challenges_by_end ON step_up_challenges (kept_until);
