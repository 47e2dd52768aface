//! Owns billing keys: a member's stored payment methods, from the registration to the deletion at
//! the gateway, and the two calls that a key itself takes.
//!
//! A key is a durable intent of its own: while it is being issued or deleted its row says what is
//! wanted, under which gateway key, and when it is due. The sealed values lie in the row; what
//! opens them is no matter of this module.

mod change;
mod key;
mod tell;
mod work;

pub use change::Change;
pub use key::{BillingKey, Card, Illegal, Issued, Member, Stage, Status, Stored};
pub use work::{Call, Heard, Work};
