//! Owns the payment gateways: which account is served by which adapter, and what guards it.

pub mod breaker;
pub mod bulkhead;
pub mod card_company;
mod guarded;
mod http;
mod observer;
mod registry;
pub mod toss;

pub use guarded::{Guard, Guarded};
pub use observer::{Observer, Operation};
pub use registry::Registry;

/// What a call asks of the gateway's capacity: actions and questions do not compete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Share {
    /// Moves money.
    Action,
    /// Changes nothing.
    Question,
}

/// Why a call was not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Held {
    BreakerOpen,
    BulkheadFull,
}

impl Held {
    const fn as_str(self) -> &'static str {
        match self {
            Self::BreakerOpen => "breaker_open",
            Self::BulkheadFull => "bulkhead_full",
        }
    }
}
