//! Owns the use cases of billing keys: stored payment methods of members, and charges with them.

mod charge;
mod sealed;
mod settle;
mod wallet;
mod work;

pub use charge::{Charge, ChargeError};
pub use wallet::{Opened, Register, WalletError};
