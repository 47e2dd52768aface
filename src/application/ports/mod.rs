//! Owns the ports: what the use cases need from outside, each with two real implementations.

mod billing;
pub mod bus;
mod card_on_file;
pub mod courier;
mod feed;
pub mod gateway;
pub mod identity;
pub mod limiter;
pub mod repeats;
pub mod sink;
pub mod store;
mod subscriptions;
pub mod vault;
mod watches;
mod webhooks;

use domain::Timestamp;
use domain::id::RawId;

pub use bus::Bus;
pub use courier::Courier;
pub use gateway::{Gateways, PaymentGateway};
pub use identity::TokenVerifier;
pub use limiter::RateLimiter;
pub use repeats::Repeats;
pub use sink::Sink;
pub use store::Store;
pub use vault::Vault;

/// The time that money is dated with. Truncated to microseconds, so that what is read back from a
/// database equals what was written.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;
}

/// What the watch over gateway accounts found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// A movement that the books lacked; they have it now.
    Booked,
    /// Something at the gateway that cannot be booked: a person has to look.
    Strange,
    /// A line of the list that cannot be told to any payment.
    Unreadable,
}

/// Who counts what is found.
pub trait Tally: Send + Sync {
    /// One more.
    fn found(&self, finding: Finding);
}

/// Fresh identifiers and secrets.
pub trait Ids: Send + Sync {
    /// 48 bits of time and 122 random bits, never the same twice.
    fn draw(&self) -> RawId;

    /// 256 random bits as visible ASCII, for a secret.
    fn secret(&self) -> String;
}
