//! Owns the use cases of billing keys: stored payment methods of members, and charges with them.

mod charge;
mod cycle;
mod follow;
mod retire;
mod scheduler;
mod sealed;
mod settle;
mod untold;
mod wallet;
mod work;

pub use charge::{Charge, ChargeError};
pub(crate) use cycle::begun_cycle;
pub use scheduler::ChargePace;
pub(crate) use scheduler::Lanes;
pub(crate) use sealed::name_of;
pub use wallet::{Opened, Register, WalletError};
