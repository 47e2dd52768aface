//! Owns the sandbox's time: the system clock plus an offset that only moves forward.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, FixedOffset, NaiveDateTime, TimeDelta, Utc};

/// An instant, kept in UTC and shown in Korean time.
pub(crate) type Timestamp = DateTime<Utc>;

const KOREA_SECONDS_EAST: i32 = 9 * 3600;

/// How far the offset may be moved in all: an instant must stay representable.
const OFFSET_SECONDS_MAX: i64 = 100 * 366 * 24 * 3600;

/// The movable clock of a running sandbox; clones share the offset.
#[derive(Debug, Clone, Default)]
pub struct Clock {
    offset_seconds: Arc<AtomicI64>,
}

impl Clock {
    /// How far this clock is ahead of the system's.
    #[must_use]
    pub fn offset(&self) -> TimeDelta {
        TimeDelta::seconds(self.offset_seconds.load(Ordering::Relaxed))
    }

    /// The sandbox's present instant, in whole milliseconds.
    pub(crate) fn now(&self) -> Timestamp {
        #[expect(
            clippy::disallowed_methods,
            reason = "this is the clock the others ask"
        )]
        let system = Utc::now();
        let moved = system
            .checked_add_signed(self.offset())
            .unwrap_or(DateTime::<Utc>::MAX_UTC);
        DateTime::from_timestamp_millis(moved.timestamp_millis()).unwrap_or(moved)
    }

    /// The offset after moving forward, or nothing when it would leave the calendar.
    pub(crate) fn advanced(&self, seconds: i64) -> Option<i64> {
        self.offset_seconds
            .load(Ordering::Relaxed)
            .checked_add(seconds)
            .filter(|moved| seconds >= 0 && *moved <= OFFSET_SECONDS_MAX)
    }

    /// Moves to an offset that [`Clock::advanced`] computed or the journal holds.
    pub(crate) fn set_offset_seconds(&self, seconds: i64) {
        self.offset_seconds.fetch_max(seconds, Ordering::Relaxed);
    }
}

/// The instant on a Korean wall clock.
pub(crate) fn korean(at: Timestamp) -> DateTime<FixedOffset> {
    let korea = FixedOffset::east_opt(KOREA_SECONDS_EAST).expect("nine hours is a valid offset");
    at.with_timezone(&korea)
}

/// The instant at which a Korean wall clock shows this.
pub(crate) fn from_korean(local: NaiveDateTime) -> Timestamp {
    let ahead = TimeDelta::seconds(i64::from(KOREA_SECONDS_EAST));
    let utc = local
        .checked_sub_signed(ahead)
        .unwrap_or(NaiveDateTime::MIN);
    utc.and_utc()
}

/// The form of dates in API bodies: `2026-03-15T10:30:41+09:00`.
pub(crate) fn api_date(at: Timestamp) -> String {
    korean(at).format("%Y-%m-%dT%H:%M:%S%:z").to_string()
}

/// The form of dates in the sandbox's own records: with milliseconds.
pub(crate) fn record_date(at: Timestamp) -> String {
    korean(at).format("%Y-%m-%dT%H:%M:%S%.3f%:z").to_string()
}
