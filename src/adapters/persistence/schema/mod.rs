//! Owns the tables as diesel sees them, for both databases; by hand, as no catalogue tells both.

mod billing;
mod hooks;
mod readers;
mod recurring;
mod secrets;
mod settled;
mod webhooks;

pub(super) use billing::billing_keys;
pub(super) use hooks::{hints, hook_tokens, inbox, security_keys};
pub(super) use readers::{cursors, parked};
pub(super) use recurring::{
    cycle_holds, cycles, member_events, plans, subscription_events, subscriptions,
};
pub(super) use secrets::data_keys;
pub(super) use settled::{proposals, settlements};
pub(super) use webhooks::{deliveries, delivery_attempts, webhook_endpoints, webhook_notes};

diesel::table! {
    use diesel::sql_types::{BigInt, Text};
    use crate::adapters::persistence::types::Instant;

    merchants (id) {
        id -> Text,
        name -> Text,
        created_at -> Instant,
        status -> Text,
        currencies -> Text,
        version -> BigInt,
        zone -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::{Binary, Nullable, Text};
    use crate::adapters::persistence::types::Instant;

    api_keys (id) {
        id -> Text,
        merchant_id -> Text,
        mode -> Text,
        kind -> Text,
        hash -> Binary,
        created_at -> Instant,
        prefix -> Text,
        name -> Nullable<Text>,
        last_used_at -> Nullable<Instant>,
        expires_at -> Nullable<Instant>,
    }
}

diesel::table! {
    use diesel::sql_types::{Binary, Bool, Integer, Nullable, Text};
    use crate::adapters::persistence::types::Instant;

    gateway_accounts (id) {
        id -> Text,
        merchant_id -> Text,
        mode -> Text,
        gateway -> Text,
        gateway_merchant_id -> Nullable<Text>,
        credential_version -> Integer,
        created_at -> Instant,
        name -> Text,
        status -> Text,
        secret_key -> Nullable<Binary>,
        client_key -> Nullable<Binary>,
        seeded -> Bool,
        methods -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Bool, Text};
    use crate::adapters::persistence::types::Instant;

    switches (operation, reach, number) {
        operation -> Text,
        reach -> Text,
        number -> BigInt,
        paused -> Bool,
        actor -> Text,
        who -> Text,
        why -> Text,
        turned_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Binary, Nullable, Text};
    use crate::adapters::persistence::types::Instant;

    payments (id) {
        id -> Text,
        merchant_id -> Text,
        mode -> Text,
        gateway_account_id -> Text,
        order_id -> Text,
        order_name -> Text,
        currency -> Text,
        amount -> BigInt,
        tax_free -> BigInt,
        customer_name -> Nullable<Text>,
        member_id -> Nullable<Text>,
        kind -> Text,
        created_at -> Instant,
        expires_at -> Instant,
        status -> Text,
        saga_id -> Nullable<Text>,
        due_at -> Nullable<Instant>,
        approved_at -> Nullable<Instant>,
        canceled_at -> Nullable<Instant>,
        decline_reason -> Nullable<Text>,
        decline_class -> Nullable<Text>,
        decline_code -> Nullable<Text>,
        decline_message -> Nullable<Text>,
        payment_key -> Nullable<Text>,
        method -> Nullable<Text>,
        receipt_url -> Nullable<Text>,
        captured -> BigInt,
        captured_tax_free -> BigInt,
        canceled -> BigInt,
        cancels -> Nullable<Text>,
        version -> BigInt,
        event_sequence -> BigInt,
        event_hash -> Binary,
        account_key -> Nullable<Text>,
        account_bank -> Nullable<Text>,
        account_due_at -> Nullable<Instant>,
        account -> Nullable<Binary>,
        account_reversals -> Nullable<BigInt>,
        account_saga_id -> Nullable<Text>,
        account_denied -> Nullable<Text>,
        account_denied_at -> Nullable<Instant>,
        account_look_at -> Nullable<Instant>,
        account_refund -> Nullable<Text>,
        account_refund_at -> Nullable<Instant>,
        account_refund_doubted -> Nullable<Text>,
        account_refund_doubted_at -> Nullable<Instant>,
    }
}

diesel::table! {
    use diesel::sql_types::Text;
    use crate::adapters::persistence::types::Instant;

    gateway_orders (id) {
        id -> Text,
        payment_id -> Text,
        created_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Binary, Bool, Integer, Nullable, Text};
    use crate::adapters::persistence::types::Instant;

    sagas (id) {
        id -> Text,
        kind -> Text,
        merchant_id -> Text,
        mode -> Text,
        gateway_account_id -> Text,
        payment_id -> Text,
        payment_key -> Nullable<Text>,
        billing_key_id -> Nullable<Text>,
        gateway_order_id -> Text,
        currency -> Text,
        amount -> BigInt,
        tax_free -> BigInt,
        actor -> Text,
        reason -> Nullable<Text>,
        credential_version -> Integer,
        trace_id -> Text,
        trace_parent -> Text,
        keyed -> Bool,
        created_at -> Instant,
        phase -> Text,
        n -> BigInt,
        unanswered -> BigInt,
        asks -> BigInt,
        heard -> Text,
        heard_reason -> Nullable<Text>,
        heard_class -> Nullable<Text>,
        heard_code -> Nullable<Text>,
        heard_message -> Nullable<Text>,
        refundable -> BigInt,
        surprise -> Nullable<BigInt>,
        surprise_currency -> Nullable<Text>,
        charged_order_id -> Nullable<Text>,
        rekeyed_version -> Nullable<Integer>,
        intent_at -> Instant,
        asked_at -> Nullable<Instant>,
        due_at -> Instant,
        outcome -> Nullable<Text>,
        outcome_reason -> Nullable<Text>,
        outcome_class -> Nullable<Text>,
        outcome_code -> Nullable<Text>,
        outcome_message -> Nullable<Text>,
        reversal_id -> Nullable<Text>,
        version -> BigInt,
        holder -> Nullable<Text>,
        lease_until -> Nullable<Instant>,
        sealed -> Nullable<Binary>,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Nullable, Text};
    use crate::adapters::persistence::types::Instant;

    entries (position) {
        position -> BigInt,
        merchant_id -> Text,
        mode -> Text,
        gateway_account_id -> Text,
        payment_key -> Text,
        movement -> Text,
        payment_id -> Text,
        saga_id -> Nullable<Text>,
        debit -> Text,
        credit -> Text,
        currency -> Text,
        amount -> BigInt,
        transaction_key -> Nullable<Text>,
        occurred_at -> Nullable<Instant>,
        booked_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Binary, Nullable, Text};
    use crate::adapters::persistence::types::Instant;

    events (payment_id, sequence) {
        payment_id -> Text,
        sequence -> BigInt,
        merchant_id -> Text,
        mode -> Text,
        kind -> Text,
        from_status -> Nullable<Text>,
        to_status -> Text,
        actor -> Text,
        reason -> Nullable<Text>,
        trace_id -> Text,
        trace_parent -> Text,
        occurred_at -> Instant,
        payload -> Binary,
        previous_hash -> Binary,
        hash -> Binary,
    }
}

diesel::table! {
    use diesel::sql_types::{Binary, Nullable, Text};
    use crate::adapters::persistence::types::Instant;

    idempotency_keys (merchant_id, mode, member, key) {
        merchant_id -> Text,
        mode -> Text,
        member -> Text,
        key -> Text,
        fingerprint -> Binary,
        payment_id -> Nullable<Text>,
        saga_id -> Nullable<Text>,
        patience_until -> Instant,
        created_at -> Instant,
        outcome -> Nullable<Binary>,
    }
}

diesel::table! {
    use diesel::sql_types::Text;
    use crate::adapters::persistence::types::Instant;

    issued_keys (merchant_id, mode, member, key) {
        merchant_id -> Text,
        mode -> Text,
        member -> Text,
        key -> Text,
        expires_at -> Instant,
        created_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::{Binary, Nullable, Text};
    use crate::adapters::persistence::types::Instant;

    step_up_challenges (id) {
        id -> Text,
        merchant_id -> Text,
        mode -> Text,
        member -> Text,
        device_hash -> Binary,
        payment_id -> Text,
        action -> Text,
        issued_at -> Instant,
        expires_at -> Instant,
        spent_at -> Nullable<Instant>,
        kept_until -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::Text;
    use crate::adapters::persistence::types::Instant;

    watches (gateway_account_id) {
        gateway_account_id -> Text,
        watched_until -> Instant,
        due_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Bool, Nullable, Text};
    use crate::adapters::persistence::types::Instant;

    sightings (gateway_account_id, payment_key) {
        gateway_account_id -> Text,
        payment_key -> Text,
        gateway_order_id -> Text,
        first_seen_at -> Instant,
        due_at -> Instant,
        looks -> BigInt,
        verdict -> Nullable<Text>,
        reported -> Bool,
        moved_at -> Nullable<Instant>,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Text};

    unsequenced (id) {
        id -> BigInt,
        payment_id -> Text,
        sequence -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Text};

    feed (position) {
        position -> BigInt,
        merchant_id -> Text,
        mode -> Text,
        payment_id -> Text,
        sequence -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Text};
    use crate::adapters::persistence::types::Instant;

    epochs (number) {
        number -> BigInt,
        raised_at -> Instant,
        why -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Text};
    use crate::adapters::persistence::types::Instant;

    leases (job) {
        job -> Text,
        holder -> Text,
        fence -> BigInt,
        until -> Instant,
    }
}

diesel::allow_tables_to_appear_in_same_query!(api_keys, merchants);
diesel::allow_tables_to_appear_in_same_query!(idempotency_keys, sagas);
diesel::allow_tables_to_appear_in_same_query!(gateway_accounts, watches);
diesel::allow_tables_to_appear_in_same_query!(gateway_orders, payments);
diesel::allow_tables_to_appear_in_same_query!(cycle_holds, cycles, payments);
diesel::allow_tables_to_appear_in_same_query!(events, feed, member_events, parked, unsequenced);
