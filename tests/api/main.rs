//! The REST API, asked over HTTP: what it takes, what it refuses, and how it says so.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests, not only tests, may panic"
)]

mod access;
mod api_keys;
mod cancels;
mod codes;
mod commands;
mod edge;
mod idempotency;
mod issuers;
mod members;
mod openapi;
mod operation;
mod payments;
mod process;
mod requests;
mod rig;
mod switches;
mod vault;
