//! Owns the proof of webhooks: what is delivered to whom, when again, and who is told no more.

mod delivering;
mod disabled;
mod endpoints;
mod failing;
mod post;
mod redeliver;
mod stand;
mod store;

pub(crate) use post::{Labels, Receivers, post};
