//! Owns the tables of what gateways tell unasked, as diesel sees them.

diesel::table! {
    use diesel::sql_types::{Binary, Nullable, Text};
    use crate::adapters::persistence::types::Instant;

    /// What lets notifications in.
    hook_tokens (hash) {
        hash -> Binary,
        gateway_account_id -> Text,
        created_at -> Instant,
        expires_at -> Nullable<Instant>,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Binary, Nullable, Text};
    use crate::adapters::persistence::types::Instant;

    /// Notifications, as they came in.
    inbox (gateway_account_id, digest) {
        id -> Text,
        gateway_account_id -> Text,
        digest -> Binary,
        kind -> Text,
        transmission_id -> Nullable<Text>,
        sent_at -> Nullable<Text>,
        retried -> Nullable<Text>,
        signature -> Nullable<Text>,
        body -> Binary,
        received_at -> Instant,
        verdict -> Text,
        payment_id -> Nullable<Text>,
        due_at -> Instant,
        version -> BigInt,
        holder -> Nullable<Text>,
        lease_until -> Nullable<Instant>,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Binary, Nullable, Text};
    use crate::adapters::persistence::types::Instant;

    /// What gateways sign some of their notifications with.
    security_keys (gateway_account_id, number) {
        gateway_account_id -> Text,
        number -> BigInt,
        security_key -> Binary,
        created_at -> Instant,
        expires_at -> Nullable<Instant>,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Nullable, Text};
    use crate::adapters::persistence::types::Instant;

    /// Payments that are looked at because somebody said so.
    hints (payment_id) {
        payment_id -> Text,
        gateway_account_id -> Text,
        gateway_order_id -> Text,
        claim -> Text,
        claimed_key -> Nullable<Text>,
        turn -> BigInt,
        asked -> BigInt,
        looks -> BigInt,
        looked_at -> Nullable<Instant>,
        due_at -> Nullable<Instant>,
        version -> BigInt,
        holder -> Nullable<Text>,
        lease_until -> Nullable<Instant>,
    }
}
