//! Owns outgoing webhooks on the wire: where they may go, how they are signed, how they are sent.

mod courier;
mod guard;
mod signature;

pub use courier::{HttpCourier, Settings};
pub use signature::{BadSecret, SigningSecret};
