//! The demo shop as a merchant of a real service: what buyers see, and what the gateway's ledger
//! says about it.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests, not only tests, may panic"
)]

#[path = "../support/mod.rs"]
mod support;

mod accounts;
mod browser;
mod browsing;
mod buyer;
mod embedded;
mod faults;
mod guards;
mod hooks;
mod membership;
mod orders;
mod stand;
mod told;
