//! What copies of the service share: one suite over what is in this process and what is in a real
//! Redis; and what is left when that is flushed, gone, frozen, or holds something else.

#![expect(clippy::arithmetic_side_effects, reason = "small numbers in tests")]

#[path = "../support/mod.rs"]
mod support;

mod chime;
mod contract;
mod lost;
mod rig;
mod seeded;
