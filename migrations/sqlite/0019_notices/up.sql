-- Endpoints are told not only of events of payments, but also of other endpoints that the service
-- disabled: what is brought is named by what it happened to, pay_… or whe_…, and a number. Of an
-- endpoint that is a line of webhook_notes, by its version; it is in no feed, and its position is
-- below all that are, by when it was noted.

ALTER TABLE deliveries RENAME COLUMN payment_id TO subject_id;
ALTER TABLE delivery_attempts RENAME COLUMN payment_id TO subject_id;
