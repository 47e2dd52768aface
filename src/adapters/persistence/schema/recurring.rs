//! Owns the tables of subscriptions as diesel sees them.

diesel::table! {
    use diesel::sql_types::{BigInt, Bool, Nullable, Text};
    use crate::adapters::persistence::types::Instant;

    /// What merchants offer.
    plans (merchant_id, mode, code) {
        merchant_id -> Text,
        mode -> Text,
        code -> Text,
        kind -> Text,
        period -> Text,
        currency -> Text,
        price -> BigInt,
        tax_free -> BigInt,
        name -> Text,
        benefits -> Nullable<Text>,
        offered -> Bool,
        missed -> Text,
        dunning_first_seconds -> BigInt,
        dunning_cap_seconds -> BigInt,
        dunning_tries_max -> BigInt,
        card_grace_seconds -> BigInt,
        version -> BigInt,
        created_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Nullable, Text};
    use crate::adapters::persistence::types::Instant;

    /// What members pay for again and again.
    subscriptions (id) {
        id -> Text,
        merchant_id -> Text,
        mode -> Text,
        member -> Text,
        plan_code -> Text,
        billing_key_id -> Text,
        anchor -> Text,
        zone -> Text,
        status -> Text,
        paid_until -> Nullable<Instant>,
        ended_at -> Nullable<Instant>,
        version -> BigInt,
        created_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Nullable, Text};
    use crate::adapters::persistence::types::Instant;

    /// What is due of subscriptions when.
    cycles (subscription_id, number) {
        subscription_id -> Text,
        number -> BigInt,
        merchant_id -> Text,
        mode -> Text,
        due_at -> Instant,
        currency -> Text,
        amount -> BigInt,
        status -> Text,
        next_at -> Nullable<Instant>,
        declined -> BigInt,
        decline_reason -> Nullable<Text>,
        payment_id -> Nullable<Text>,
        paid_at -> Nullable<Instant>,
        version -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Text};
    use crate::adapters::persistence::types::Instant;

    /// Who is about to do something about which cycle.
    cycle_holds (subscription_id, number) {
        subscription_id -> Text,
        number -> BigInt,
        version -> BigInt,
        holder -> Text,
        lease_until -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Nullable, Text};
    use crate::adapters::persistence::types::Instant;

    /// What was done to subscriptions.
    subscription_events (subscription_id, sequence) {
        subscription_id -> Text,
        sequence -> BigInt,
        merchant_id -> Text,
        mode -> Text,
        kind -> Text,
        from_status -> Nullable<Text>,
        to_status -> Text,
        cycle -> Nullable<BigInt>,
        payment_id -> Nullable<Text>,
        decline_reason -> Nullable<Text>,
        actor -> Text,
        occurred_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Binary, Nullable, Text};
    use crate::adapters::persistence::types::Instant;

    /// What others are told of what is no payment.
    member_events (subject, sequence) {
        subject -> Text,
        sequence -> BigInt,
        merchant_id -> Text,
        mode -> Text,
        kind -> Text,
        from_status -> Nullable<Text>,
        to_status -> Text,
        actor -> Text,
        member -> Text,
        trace_id -> Text,
        trace_parent -> Text,
        occurred_at -> Instant,
        payload -> Binary,
    }
}
