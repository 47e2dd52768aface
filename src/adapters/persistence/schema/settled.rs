//! Owns the tables of what people found out about sagas, as diesel sees them.

diesel::table! {
    use diesel::sql_types::{Nullable, Text};
    use crate::adapters::persistence::types::Instant;

    /// What a person found out about a saga.
    settlements (saga_id) {
        saga_id -> Text,
        payment_id -> Text,
        verdict -> Text,
        evidence -> Text,
        settled_by -> Text,
        reference -> Nullable<Text>,
        occurred_at -> Nullable<Instant>,
        settled_at -> Instant,
        contradiction -> Nullable<Text>,
        contradicted_at -> Nullable<Instant>,
        confirmed_by -> Nullable<Text>,
        confirmation -> Nullable<Text>,
        acknowledged_by -> Nullable<Text>,
        acknowledgement -> Nullable<Text>,
        acknowledged_at -> Nullable<Instant>,
    }
}

diesel::table! {
    use diesel::sql_types::{Nullable, Text};
    use crate::adapters::persistence::types::Instant;

    /// What one person found out, where a second one has to find out the same.
    proposals (saga_id, proposed_at, proposed_by) {
        saga_id -> Text,
        payment_id -> Text,
        verdict -> Text,
        evidence -> Text,
        proposed_by -> Text,
        reference -> Nullable<Text>,
        occurred_at -> Nullable<Instant>,
        proposed_at -> Instant,
    }
}
