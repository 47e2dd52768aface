//! Payflow's application layer.
