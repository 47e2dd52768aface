//! One suite over every store: what the port promises, on `SQLite` in a file and in memory, on
//! PostgreSQL, and on the in-memory store of the fault scripts.

#![expect(clippy::arithmetic_side_effects, reason = "small numbers in tests")]

#[path = "../support/mod.rs"]
mod support;

mod api_keys;
mod billing;
mod claims;
mod commits;
mod constraints;
mod dues;
mod feed;
mod hook_keys;
mod in_doubt;
mod inbox;
mod merchants;
mod opening;
mod pages;
mod races;
mod records;
mod round_trips;
mod samples;
mod secrets;
mod settlements;
mod step_up;
mod stores;
mod subscriptions;
mod switches;
mod unreadable;
mod upkeep;
mod virtual_accounts;
mod watches;
mod webhooks;
