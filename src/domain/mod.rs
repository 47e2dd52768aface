//! Payflow's domain layer.
