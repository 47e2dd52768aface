//! Owns the demonstration around the service: the embedded sandbox and the shop in front of it.
//!
//! A build without the `demo` feature has neither, and no code of theirs.

#[cfg(feature = "demo")]
mod built_in;
#[cfg(feature = "demo")]
mod hearing;
#[cfg(not(feature = "demo"))]
mod left_out;

#[cfg(feature = "demo")]
pub(super) use built_in::Demo;
#[cfg(not(feature = "demo"))]
pub(super) use left_out::Demo;

/// Whether this build can demonstrate anything.
pub(super) const IS_BUILT_IN: bool = cfg!(feature = "demo");
