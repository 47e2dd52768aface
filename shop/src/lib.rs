//! A demo merchant: a small shop that takes its payments through Payflow, as any merchant would.
//!
//! It uses nothing of Payflow but the public API, from its own server with the secret key, and
//! keeps its orders in its own database. Whatever moves money is stored before it is sent, and
//! sent again with the same idempotency key until there is an answer.

mod banks;
mod cards;
mod catalogue;
mod clock;
mod config;
mod hooks;
mod intent;
mod language;
mod membership;
mod order;
mod payflow;
mod random;
mod running;
mod sales;
mod scene;
mod store;
mod web;
mod words;

pub use self::config::{Access, Config, Keys};
pub use self::running::{Error, Running, start};
