//! Owns the table of what people found out about sagas, as diesel sees it.

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
    }
}
