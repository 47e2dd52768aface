//! Owns payments by virtual account: having one issued, and showing its owner where to pay in.

mod issue;
mod sealed;

pub use issue::{AskAccount, Due};
pub use sealed::KeptSecrets;
