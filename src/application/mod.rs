//! Payflow's use cases, the saga runner and the ports they speak through.

pub mod ports;
