//! The bus: what the port promises, on Kafka and in this process alike; and what Kafka's adapter
//! makes of a broker that errs, is away, or loses its answers.

#![cfg(feature = "kafka")]
#![expect(clippy::arithmetic_side_effects, reason = "small numbers in tests")]

#[path = "../support/mod.rs"]
mod support;

mod broker;
mod commands;
mod contract;
mod faults;
mod letters;
mod parked;
mod relay;
mod rig;
mod service;
mod stand;
mod topics;
