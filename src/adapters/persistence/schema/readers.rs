//! Owns the tables of who reads the feed, and of what they could not pass on.

diesel::table! {
    use diesel::sql_types::{BigInt, Text};

    cursors (reader) {
        reader -> Text,
        epoch -> BigInt,
        position -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Bool, Text};
    use crate::adapters::persistence::types::Instant;

    parked (reader, payment_id, sequence) {
        reader -> Text,
        payment_id -> Text,
        sequence -> BigInt,
        position -> BigInt,
        reason -> Text,
        parked_at -> Instant,
        asked -> Bool,
    }
}
