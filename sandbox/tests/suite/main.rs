//! Owns the sandbox's tests: each speaks to a running sandbox over real connections.

mod cancel;
mod clock;
mod confirm;
mod faults;
mod golden;
mod idempotency;
mod journal;
mod program;
mod support;
mod surface;
mod window;
