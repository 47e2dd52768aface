//! Owns one place per outside thing; each adapter implements a port of the application.

pub(crate) mod cause;
pub mod clock;
pub mod gateway;
pub mod identity;
pub mod ids;
pub mod in_process;
#[cfg(feature = "kafka")]
pub mod kafka;
pub mod limiter;
pub mod metered;
pub mod persistence;
#[cfg(feature = "redis")]
pub mod redis;
pub mod repeats;
pub mod telemetry;
pub mod vault;
pub mod webhooks;
