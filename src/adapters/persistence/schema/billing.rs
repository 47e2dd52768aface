//! Owns the table of billing keys as diesel sees it.

diesel::table! {
    use diesel::sql_types::{BigInt, Binary, Bool, Integer, Nullable, Text};
    use crate::adapters::persistence::types::Instant;

    /// Stored payment methods of members.
    billing_keys (id) {
        id -> Text,
        merchant_id -> Text,
        mode -> Text,
        gateway_account_id -> Text,
        member_id -> Text,
        customer_key -> Text,
        status -> Text,
        is_default -> Bool,
        auth_key -> Nullable<Binary>,
        billing_key -> Nullable<Binary>,
        billing_key_index -> Nullable<Binary>,
        method -> Nullable<Text>,
        company -> Nullable<Text>,
        last4 -> Nullable<Text>,
        issued_at -> Nullable<Instant>,
        decline_reason -> Nullable<Text>,
        decline_class -> Nullable<Text>,
        decline_code -> Nullable<Text>,
        decline_message -> Nullable<Text>,
        n -> Nullable<BigInt>,
        credential_version -> Nullable<Integer>,
        tries -> Nullable<BigInt>,
        heard -> Nullable<Text>,
        wanted_at -> Nullable<Instant>,
        intent_at -> Nullable<Instant>,
        due_at -> Nullable<Instant>,
        created_at -> Instant,
        version -> BigInt,
        holder -> Nullable<Text>,
        lease_until -> Nullable<Instant>,
    }
}
