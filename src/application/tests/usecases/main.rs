//! The use cases over the store in memory and a gateway whose answers a test sets, in virtual
//! time: keys, refusals, patience, holds, drains, questions, expiry,
//! upkeep, merchants, API keys, the watch, the inbox.
#![expect(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    reason = "a test stops at the first surprise, and its numbers are small"
)]

mod accounts;
mod api_keys;
mod approve;
mod billing_keys;
mod by_hand;
mod consumers;
mod feed;
mod idempotency;
mod inbox;
mod installation;
mod left;
mod merchants;
mod prepare;
mod recovery;
mod repeats;
mod store;
mod subscriptions;
mod tax_free;
mod traces;
mod upkeep;
mod wallet;
mod watch;
mod webhooks;
