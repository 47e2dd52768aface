//! How events leave, in virtual time: two processes over the store in memory, one of which dies or
//! freezes at every point it passes. Nothing is lost, and no payment's order is broken.

#![expect(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    reason = "a test stops at the first surprise, and its numbers are small"
)]

mod bugs;
mod life;
mod runs;
mod sink;
mod store;
mod world;
