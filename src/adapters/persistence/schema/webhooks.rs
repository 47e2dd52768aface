//! Owns the tables of webhooks as diesel sees them.

use super::events;

diesel::table! {
    use diesel::sql_types::{BigInt, Binary, Nullable, Text};
    use crate::adapters::persistence::types::Instant;

    /// Where merchants want their events.
    webhook_endpoints (id) {
        id -> Text,
        merchant_id -> Text,
        mode -> Text,
        url -> Text,
        events -> Text,
        status -> Text,
        secret -> Binary,
        previous_secret -> Nullable<Binary>,
        previous_until -> Nullable<Instant>,
        failing_since -> Nullable<Instant>,
        version -> BigInt,
        created_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Text};
    use crate::adapters::persistence::types::Instant;

    /// What was done to endpoints.
    webhook_notes (endpoint_id, version) {
        endpoint_id -> Text,
        version -> BigInt,
        deed -> Text,
        actor -> Text,
        done_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Nullable, Text};
    use crate::adapters::persistence::types::Instant;

    /// The bringing of one event to one endpoint.
    deliveries (endpoint_id, subject_id, sequence) {
        endpoint_id -> Text,
        subject_id -> Text,
        sequence -> BigInt,
        position -> BigInt,
        state -> Text,
        tries -> BigInt,
        rung -> BigInt,
        began_at -> Instant,
        due_at -> Instant,
        version -> BigInt,
        holder -> Nullable<Text>,
        lease_until -> Nullable<Instant>,
        created_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Integer, Nullable, Text};
    use crate::adapters::persistence::types::Instant;

    /// The tries of deliveries.
    delivery_attempts (endpoint_id, subject_id, sequence, number) {
        endpoint_id -> Text,
        subject_id -> Text,
        sequence -> BigInt,
        number -> BigInt,
        tried_at -> Instant,
        took_micros -> BigInt,
        outcome -> Text,
        status -> Nullable<Integer>,
        detail -> Text,
    }
}

diesel::joinable!(deliveries -> webhook_endpoints (endpoint_id));
diesel::allow_tables_to_appear_in_same_query!(deliveries, webhook_endpoints);
diesel::allow_tables_to_appear_in_same_query!(deliveries, events);
