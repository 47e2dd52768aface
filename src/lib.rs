//! Payflow.
