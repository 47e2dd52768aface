//! Owns the table of data keys as diesel sees it.

diesel::table! {
    use diesel::sql_types::{Binary, Text};
    use crate::adapters::persistence::types::Instant;

    /// The keys that seal merchants' secrets, wrapped.
    data_keys (id) {
        id -> Text,
        merchant_id -> Text,
        master_key_id -> Text,
        wrapped -> Binary,
        created_at -> Instant,
    }
}
