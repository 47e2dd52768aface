//! Owns the programs that break things on purpose: kills at named points, and storms of requests.

pub(crate) mod crash;
mod parts;
mod progress;
pub(crate) mod storm;
mod traffic;
