//! Payflow, a self-hosted payment service: the adapters around its use cases, and its REST API.
//!
//! Dependencies point inwards: `presentation` and `adapters` know the application, the
//! application knows the domain, and only `bootstrap` knows them all.

pub mod adapters;
pub mod bootstrap;
pub mod config;
mod json;
pub mod presentation;
