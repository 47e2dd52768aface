//! Owns payments by virtual account: having one issued, showing its owner where to pay in, and the
//! account that a deposit goes back to.

mod issue;
mod refund;
mod sealed;

pub use issue::{AskAccount, Due};
pub use sealed::KeptSecrets;
pub(crate) use sealed::Told;
