//! Owns the programs that break things on purpose: kills, freezes, cut COMMITs, and storms.

mod aftermath;
pub(crate) mod billing;
mod cancels;
pub(crate) mod commit;
pub(crate) mod crash;
mod ends;
pub(crate) mod freeze;
pub(crate) mod hooks;
mod journal;
pub(crate) mod kill;
mod load;
mod parts;
mod progress;
pub(crate) mod promised;
pub(crate) mod redis;
pub(crate) mod roles;
mod rounds;
pub(crate) mod server;
pub(crate) mod storm;
mod traffic;
pub(crate) mod undisturbed;
pub(crate) mod wires;
