//! Owns the ports: what the use cases need from outside, each with two real implementations.

mod abilities;
mod account;
mod billing;
pub mod bus;
mod card_on_file;
pub mod courier;
mod dues;
mod feed;
pub mod gateway;
pub mod identity;
pub mod inbox;
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
    /// A deposit that was given back did not reach the buyer: a person has to look.
    RefundFailed,
    /// A line of the list that cannot be told to any payment.
    Unreadable,
}

/// What became of a notification in the request that brought it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Brought {
    /// It is kept.
    Kept,
    /// It was here before.
    Again,
    /// It cannot be read, and there are enough of these.
    Dropped,
    /// It is not known to be kept: the gateway is to send it again.
    Refused,
}

/// What became of a hint at a payment when it was taken to be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Looked {
    /// The books have all that the gateway shows.
    Settled,
    /// The gateway was not asked: the books have what was claimed.
    Known,
    /// The payment's saga is open, and will see for itself.
    Hastened,
    /// The merchant's budget of questions is used up; it waits.
    OverBudget,
    /// No answer that says anything of it; it is looked at again.
    Unanswered,
    /// What was shown cannot be booked: the watch looks into it.
    Strange,
}

/// Who counts what is found.
pub trait Tally: Send + Sync {
    /// One more.
    fn found(&self, finding: Finding);

    /// A notification more.
    fn brought(&self, _: Brought) {}

    /// A look at a hint more.
    fn looked(&self, _: Looked) {}
}

/// Fresh identifiers and secrets.
pub trait Ids: Send + Sync {
    /// 48 bits of time and 122 random bits, never the same twice.
    fn draw(&self) -> RawId;

    /// 256 random bits as visible ASCII, for a secret.
    fn secret(&self) -> String;
}
