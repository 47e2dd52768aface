//! Owns the objects the API answers with, in the wire order of captured answers.

mod parts;
pub(crate) mod payment;
pub(crate) mod settlement;
pub(crate) mod transaction;
