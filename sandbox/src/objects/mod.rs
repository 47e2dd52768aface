//! Owns the objects the API answers with, in the wire order of captured answers.

pub(crate) mod billing;
mod parts;
pub(crate) mod payment;
pub(crate) mod settlement;
pub(crate) mod transaction;
pub(crate) mod webhook;
