//! Owns the sandbox's tests: each speaks to a running sandbox over real connections.

mod accounts;
mod authorize;
mod billing;
mod cancel;
mod cards;
mod clock;
mod confirm;
mod conformance;
mod examples;
mod faults;
mod golden;
mod idempotency;
mod journal;
mod lists;
mod program;
mod readme;
mod scenarios;
mod settings;
mod support;
mod surface;
mod tax_free;
mod test_code;
mod webhooks;
mod window;
