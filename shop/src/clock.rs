//! Owns the shop's time: the one place that asks the system for it, and how people read it.

use chrono::{DateTime, FixedOffset, Utc};

/// An instant, kept in UTC and shown in Korean time.
pub(crate) type Timestamp = DateTime<Utc>;

const KOREA_SECONDS_EAST: i32 = 9 * 3600;

/// The present instant.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the clock the others ask"
)]
pub(crate) fn now() -> Timestamp {
    Utc::now()
}

/// The instant on a Korean wall clock.
pub(crate) fn korean(at: Timestamp) -> DateTime<FixedOffset> {
    let korea = FixedOffset::east_opt(KOREA_SECONDS_EAST).expect("nine hours is a valid offset");
    at.with_timezone(&korea)
}
