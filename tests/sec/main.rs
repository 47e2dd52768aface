//! What strangers try: each file is a table of attacks, each beside a twin that is let in, and says
//! how many were refused.
#![expect(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    reason = "helpers of tests, not only tests, may panic, and compute what is wrong on purpose"
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
mod cells;
mod config;
mod hooks;
mod http;
mod idempotency;
mod jwt;
mod limits;
mod pages;
mod step_up;
