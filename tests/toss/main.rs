//! Owns the tests of the gateways' adapters from outside: against bytes on a socket, and the
//! sandbox.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests, not only tests, may panic"
)]

mod actions;
mod billing;
mod card_company;
mod examples;
mod failures;
mod sandbox;
mod server;
mod single;
mod support;
