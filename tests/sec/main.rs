//! What strangers try: each file is a table of attacks, and says how many of them were refused.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests, not only tests, may panic"
)]

#[expect(
    dead_code,
    unused_imports,
    reason = "the API's own tests use the rest of it"
)]
#[path = "../api/rig/mod.rs"]
mod rig;
#[path = "../support/mod.rs"]
mod support;

mod canaries;
mod config;
mod http;
mod idempotency;
mod limits;
mod pages;
