//! The REST API, asked over HTTP: what it takes, what it refuses, and how it says so.

#![expect(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    reason = "helpers of tests, not only tests, may panic, and their numbers are small"
)]

mod access;
mod api_keys;
mod billing;
mod cancels;
mod card_company;
mod codes;
mod commands;
mod copies_on_postgres;
mod doctor;
mod edge;
mod feed;
mod hooks;
mod idempotency;
mod issuers;
mod members;
mod metrics;
mod openapi;
mod operation;
mod payments;
mod plain;
mod plans;
mod process;
mod refunds;
mod requests;
mod rig;
mod roles;
mod settle;
mod step_up;
mod stream;
mod subscriptions;
#[path = "../support/mod.rs"]
mod support;
mod switches;
mod traces;
mod vault;
mod virtual_accounts;
mod webhooks;
