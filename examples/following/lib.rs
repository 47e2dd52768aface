//! Owns what both services share: reading a merchant's events so that each has its effect once,
//! whatever dies in between.

mod access;
mod client;
mod event;
mod inbox;
mod running;

pub use self::event::{Event, Happened, OfPayment, OfSubscription, Payload};
pub use self::running::main;

use rusqlite::{Connection, Transaction};
use serde_json::Value;

/// A service that lives on events.
pub trait Service {
    /// What it is called, and its database.
    const NAME: &'static str;
    /// Its own tables, beside those of the inbox.
    const SCHEMA: &'static str;
    /// The types of events that mean something to it.
    const TYPES: &'static [&'static str];

    /// What follows from an event of a member's. Everything is written to `commit`, in
    /// which the event is also marked as dealt with: nothing else may be done here.
    fn apply(commit: &Transaction<'_>, happened: &Happened<'_>) -> rusqlite::Result<()>;

    /// What it has come to so far, for people and tests.
    fn show(connection: &Connection) -> rusqlite::Result<Vec<Value>>;
}
