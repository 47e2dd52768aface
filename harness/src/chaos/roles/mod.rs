//! Owns kills among copies that have roles: who plays, and what everybody has been told in the end.

pub(crate) mod copies;
mod making;
mod playing;
pub(crate) mod points;
pub(crate) mod rolling;
mod told;
