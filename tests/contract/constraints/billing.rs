//! Owns the statements about billing keys, and charges with them.

/// Name, table, what differs from its valid row.
pub(super) const CHECKS: &str = "\
billing_keys_id_form | billing_keys | id = 'bkey_x'
billing_keys_mode_word | billing_keys | mode = 'x'
billing_keys_member_id_size | billing_keys | member_id = ''
billing_keys_customer_key_size | billing_keys | customer_key = 'c'
billing_keys_status_word | billing_keys | status = 'GONE'; is_default = FALSE; \
    billing_key = NULL; \
    billing_key_index = NULL; issued_at = NULL; method = NULL; company = NULL; \
    last4 = NULL
billing_keys_default_when_active | billing_keys | status = 'DELETED'; billing_key = NULL; \
    billing_key_index = NULL; issued_at = NULL
billing_keys_auth_key_when_issuing | billing_keys | auth_key = billing_key
billing_keys_sealed_when_kept | billing_keys | is_default = FALSE; billing_key = NULL; \
    billing_key_index = NULL; issued_at = NULL
billing_keys_sealed_whole | billing_keys | billing_key_index = NULL
billing_keys_sealed_whole | billing_keys | issued_at = NULL
billing_keys_index_size | billing_keys | billing_key_index = substr(billing_key_index, 1, 31)
billing_keys_card_when_known | billing_keys | status = 'REGISTERED'; is_default = FALSE; \
    billing_key = NULL; \
    billing_key_index = NULL; issued_at = NULL; company = NULL; \
    last4 = NULL
billing_keys_last4_size | billing_keys | last4 = '12345'
billing_keys_decline_when_failed | billing_keys | status = 'FAILED'; is_default = FALSE; \
    billing_key = NULL; \
    billing_key_index = NULL; issued_at = NULL; method = NULL; company = NULL; \
    last4 = NULL
billing_keys_decline_whole | billing_keys | decline_class = 'BUYER'
billing_keys_decline_whole | billing_keys | decline_code = 'c'
billing_keys_decline_whole | billing_keys | decline_message = 'm'
billing_keys_decline_class_word | billing_keys | status = 'FAILED'; is_default = FALSE; \
    billing_key = NULL; \
    billing_key_index = NULL; issued_at = NULL; method = NULL; company = NULL; \
    last4 = NULL; decline_reason = 'r'; decline_class = 'U'; \
    decline_code = 'c'; decline_message = 'm'
billing_keys_call_when_working | billing_keys | n = 1; credential_version = 1; tries = 0; \
    heard = 'NOTHING'; wanted_at = created_at; intent_at = created_at; due_at = created_at
billing_keys_call_whole | billing_keys | credential_version = 1
billing_keys_call_whole | billing_keys | tries = 0
billing_keys_call_whole | billing_keys | heard = 'NOTHING'
billing_keys_call_whole | billing_keys | wanted_at = created_at
billing_keys_call_whole | billing_keys | intent_at = created_at
billing_keys_call_whole | billing_keys | due_at = created_at
billing_keys_n_counted | billing_keys | status = 'DELETING'; is_default = FALSE; n = 0; \
    credential_version = 1; tries = 0; heard = 'NOTHING'; \
    wanted_at = created_at; intent_at = created_at; due_at = created_at
billing_keys_credential_counted | billing_keys | status = 'DELETING'; is_default = FALSE; n = 1; \
    credential_version = 0; tries = 0; heard = 'NOTHING'; \
    wanted_at = created_at; intent_at = created_at; due_at = created_at
billing_keys_tries_counted | billing_keys | status = 'DELETING'; is_default = FALSE; n = 1; \
    credential_version = 1; tries = -1; heard = 'NOTHING'; \
    wanted_at = created_at; intent_at = created_at; due_at = created_at
billing_keys_heard_word | billing_keys | status = 'DELETING'; is_default = FALSE; n = 1; \
    credential_version = 1; tries = 0; heard = 'X'; \
    wanted_at = created_at; intent_at = created_at; due_at = created_at
billing_keys_version_counted | billing_keys | version = 0
billing_keys_hold_whole | billing_keys | status = 'DELETING'; is_default = FALSE; n = 1; \
    credential_version = 1; tries = 0; heard = 'NOTHING'; \
    wanted_at = created_at; intent_at = created_at; due_at = created_at; \
    holder = 'wrk_1'
billing_keys_hold_whole | billing_keys | lease_until = created_at
billing_keys_hold_while_working | billing_keys | holder = 'wrk_1'; lease_until = created_at
sagas_payment_key_unless_charge | sagas | payment_key = NULL
sagas_billing_key_when_charge | sagas | billing_key_id = 'bkey_1'
sagas_charged_order_when_charge | sagas | charged_order_id = gateway_order_id
sagas_rekeyed_counted | sagas | rekeyed_version = 0
sagas_surprise_whole | sagas | surprise = 1
sagas_surprise_whole | sagas | surprise_currency = 'KRW'
sagas_surprise_currency_word | sagas | surprise = 1; surprise_currency = 'EUR'";

/// Name, columns, what differs from the valid row.
pub(super) const UNIQUE: &str = "\
billing_keys_key | billing_keys.id | customer_key = 'another'; is_default = FALSE; \
    billing_key_index = (SELECT event_hash FROM payments)
billing_keys_customer_key | billing_keys.customer_key | id = 'bkey_' || substr(merchant_id, 5); \
    is_default = FALSE; billing_key_index = (SELECT event_hash FROM payments)
billing_keys_one_default | billing_keys.merchant_id, billing_keys.mode, billing_keys.member_id | \
    id = 'bkey_' || substr(merchant_id, 5); customer_key = 'another'; \
    billing_key_index = (SELECT event_hash FROM payments)
billing_keys_index | billing_keys.merchant_id, billing_keys.mode, \
    billing_keys.billing_key_index | id = 'bkey_' || substr(merchant_id, 5); \
    customer_key = 'another'; is_default = FALSE";

/// Name, table, what differs from its valid row.
pub(super) const FOREIGN: &str = "\
billing_keys_merchant | billing_keys | id = 'bkey_' || substr(merchant_id, 5); \
    merchant_id = 'none'; \
    customer_key = 'another'
billing_keys_account | billing_keys | id = 'bkey_' || substr(merchant_id, 5); \
    customer_key = 'another'; \
    is_default = FALSE; billing_key_index = (SELECT event_hash FROM payments); \
    gateway_account_id = 'none'
sagas_billing_key | sagas | id = 'sag_' || substr(merchant_id, 5); kind = 'CHARGE'; \
    payment_key = NULL; phase = 'CLOSED'; outcome = 'APPROVED'; \
    billing_key_id = 'none'
sagas_charged_order | sagas | id = 'sag_' || substr(merchant_id, 5); kind = 'CHARGE'; \
    payment_key = NULL; phase = 'CLOSED'; outcome = 'APPROVED'; \
    billing_key_id = (SELECT id FROM billing_keys); charged_order_id = 'none'";
