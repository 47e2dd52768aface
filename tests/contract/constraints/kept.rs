//! Rows that point at nothing, and rows that nobody may change.

/// Name, table, what differs from its valid row.
pub(super) const FOREIGN: &str = "\
api_keys_merchant | api_keys | id = 'key_' || substr(merchant_id, 5); merchant_id = 'none'; \
    hash = (SELECT event_hash FROM payments)
gateway_accounts_merchant | gateway_accounts | id = 'gwa_' || substr(merchant_id, 5); \
    merchant_id = 'none'
data_keys_merchant | data_keys | id = 'dek_' || substr(merchant_id, 5); merchant_id = 'none'
payments_account | payments | id = 'pay_' || substr(merchant_id, 5); order_id = 'another'; \
    gateway_account_id = 'none'
gateway_orders_payment | gateway_orders | id = 'gwo_' || substr(payment_id, 5); \
    payment_id = 'none'
sagas_payment | sagas | id = 'sag_' || substr(merchant_id, 5); payment_id = 'none'; \
    kind = 'REVERSAL'
sagas_gateway_order | sagas | id = 'sag_' || substr(merchant_id, 5); gateway_order_id = 'none'; \
    kind = 'REVERSAL'
entries_payment | entries | payment_key = 'another'; payment_id = 'none'
events_payment | events | payment_id = 'none'
idempotency_keys_payment | idempotency_keys | key = 'another'; saga_id = 'sag_1'; \
    payment_id = 'none'
step_up_challenges_payment | step_up_challenges | id = 'chl_' || substr(merchant_id, 5); \
    payment_id = 'none'
watches_account | watches | gateway_account_id = 'none'
sightings_account | sightings | gateway_account_id = 'none'
sightings_order | sightings | payment_key = 'another'; gateway_order_id = 'none'
webhook_endpoints_merchant | webhook_endpoints | id = 'whe_' || substr(merchant_id, 5); \
    merchant_id = 'none'
webhook_notes_endpoint | webhook_notes | endpoint_id = 'none'
deliveries_endpoint | deliveries | endpoint_id = 'none'
delivery_attempts_delivery | delivery_attempts | endpoint_id = 'none'
settlements_saga | settlements | saga_id = 'none'
proposals_saga | proposals | saga_id = 'none'";

/// Name and statement.
pub(super) const TRIGGERS: &str = "\
entries_not_updated | UPDATE entries SET amount = 1
entries_not_deleted | DELETE FROM entries
switches_not_updated | UPDATE switches SET paused = FALSE
switches_not_deleted | DELETE FROM switches
events_not_updated | UPDATE events SET reason = NULL
events_not_deleted | DELETE FROM events
feed_not_updated | UPDATE feed SET mode = 'live'
feed_not_deleted | DELETE FROM feed
member_events_not_updated | UPDATE member_events SET mode = 'live'
member_events_not_deleted | DELETE FROM member_events
settlements_not_updated | UPDATE settlements SET evidence = 'another'
settlements_not_deleted | DELETE FROM settlements
proposals_not_updated | UPDATE proposals SET evidence = 'another'
proposals_not_deleted | DELETE FROM proposals";
pub(super) const POSTGRES_TRIGGERS: &str = "\
entries_not_truncated | TRUNCATE entries
switches_not_truncated | TRUNCATE switches
events_not_truncated | TRUNCATE events
feed_not_truncated | TRUNCATE feed
member_events_not_truncated | TRUNCATE member_events
settlements_not_truncated | TRUNCATE settlements
proposals_not_truncated | TRUNCATE proposals";
