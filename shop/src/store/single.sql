-- Two windows for one plan, each with its card, must not be subscribed with both.
UPDATE registrations SET auth_key = NULL
    WHERE state = 'OPEN' AND purpose = 'SUBSCRIBE' AND EXISTS (
        SELECT 1 FROM registrations AS other
        WHERE other.state = 'OPEN' AND other.purpose = 'SUBSCRIBE'
            AND other.auth_key IS NOT NULL AND other.owner = registrations.owner
            AND other.subject = registrations.subject AND other.card < registrations.card
    );
CREATE UNIQUE INDEX registrations_single ON registrations (owner, subject)
    WHERE state = 'OPEN' AND purpose = 'SUBSCRIBE' AND auth_key IS NOT NULL;

PRAGMA user_version = 5;
