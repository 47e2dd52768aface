//! Owns when something that recurs is due: so many periods after its anchor, never after the date
//! before, so that the 31st stays the 31st where a month has one.

use std::num::NonZeroU32;
use std::time::Duration;

use chrono::{LocalResult, Months, NaiveDateTime, TimeZone, Timelike};
use chrono_tz::{GapInfo, Tz};

use crate::Timestamp;
use crate::merchant::Zone;

words! {
    /// How long a cycle is.
    Period {
        /// A month.
        Monthly => "MONTHLY",
        /// Three months.
        Quarterly => "QUARTERLY",
        /// Twelve months.
        Yearly => "YEARLY",
    }
}

impl Period {
    /// How many months it has.
    #[must_use]
    pub const fn months(self) -> u32 {
        match self {
            Self::Monthly => 1,
            Self::Quarterly => 3,
            Self::Yearly => 12,
        }
    }
}

/// A cycle's number: 1 for the first, without gaps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CycleNumber(NonZeroU32);

impl CycleNumber {
    /// The first.
    pub const FIRST: Self = Self(NonZeroU32::MIN);

    /// From a stored or sent number; none where it is below 1 or beyond all.
    #[must_use]
    pub fn new(number: i64) -> Option<Self> {
        let number = u32::try_from(number).ok()?;
        NonZeroU32::new(number).map(Self)
    }

    /// The number itself.
    #[must_use]
    pub fn get(self) -> u32 {
        self.0.get()
    }

    /// The one after it.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl std::fmt::Display for CycleNumber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// What every due date of a subscription is computed from: a day, a time of day and a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Anchor {
    local: NaiveDateTime,
    zone: Zone,
}

impl Anchor {
    /// This time on this day by the clocks of this zone, to the second.
    #[must_use]
    pub fn new(local: NaiveDateTime, zone: Zone) -> Self {
        let local = local.with_nanosecond(0).unwrap_or(local);
        Self { local, zone }
    }

    /// What the clocks of this zone show at `instant`.
    #[must_use]
    pub fn at(instant: Timestamp, zone: Zone) -> Self {
        Self::new(instant.with_timezone(&zone.tz()).naive_local(), zone)
    }

    /// What the clocks of this zone show at `instant` or as soon as possible after it, so that the
    /// first cycle is never due before it: the next whole second, and an hour that is shown twice
    /// is left behind where it is shown for the second time.
    #[must_use]
    pub fn not_before(instant: Timestamp, zone: Zone) -> Self {
        let whole = instant.with_nanosecond(0).unwrap_or(instant);
        let whole = if whole < instant {
            crate::after(whole, Duration::from_secs(1))
        } else {
            whole
        };
        let anchor = Self::at(whole, zone);
        let due = anchor.due(Period::Monthly, CycleNumber::FIRST);
        match whole.signed_duration_since(due).to_std() {
            Ok(early) if !early.is_zero() => Self::at(crate::after(whole, early), zone),
            Ok(_) | Err(_) => anchor,
        }
    }

    /// What the clocks show.
    #[must_use]
    pub const fn local(&self) -> NaiveDateTime {
        self.local
    }

    /// Whose clocks.
    #[must_use]
    pub const fn zone(&self) -> Zone {
        self.zone
    }

    /// When the cycle of this number begins, and so is due. In a month without the anchor's day it
    /// is the month's last one; where the clocks skip the anchor's time it is the first instant
    /// after the gap; where they show it twice, the first of the two.
    #[must_use]
    pub fn due(&self, period: Period, number: CycleNumber) -> Timestamp {
        let periods = number.get().saturating_sub(1);
        let months = Months::new(period.months().saturating_mul(periods));
        self.local
            .checked_add_months(months)
            .map_or(Timestamp::MAX_UTC, |local| instant(local, self.zone.tz()))
    }

    /// When the cycle of this number is over: when the next one begins.
    #[must_use]
    pub fn end(&self, period: Period, number: CycleNumber) -> Timestamp {
        self.due(period, number.next())
    }
}

fn instant(local: NaiveDateTime, zone: Tz) -> Timestamp {
    match zone.from_local_datetime(&local) {
        LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => at.to_utc(),
        LocalResult::None => GapInfo::new(&local, &zone)
            .and_then(|gap| gap.end)
            // no zone begins or ends with a gap
            .map_or_else(|| local.and_utc(), |end| end.to_utc()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn anchor(local: &str, zone: &str) -> Anchor {
        Anchor::new(local.parse().unwrap(), zone.parse().unwrap())
    }

    fn dues(local: &str, zone: &str, period: Period, count: i64) -> Vec<String> {
        let anchor = anchor(local, zone);
        let due = |number| anchor.due(period, CycleNumber::new(number).unwrap());
        (1..=count)
            .map(|number| {
                let at = due(number).with_timezone(&anchor.zone().tz());
                at.format("%Y-%m-%d %H:%M:%S %z").to_string()
            })
            .collect()
    }

    #[test]
    fn the_31st_stays_the_31st_where_it_can() {
        let dues = dues("2027-01-31T09:30:00", "Asia/Seoul", Period::Monthly, 5);
        assert_eq!(
            dues,
            [
                "2027-01-31 09:30:00 +0900",
                "2027-02-28 09:30:00 +0900",
                "2027-03-31 09:30:00 +0900",
                "2027-04-30 09:30:00 +0900",
                "2027-05-31 09:30:00 +0900",
            ]
        );
    }

    #[test]
    fn a_leap_day_comes_back_in_leap_years() {
        let yearly = dues("2024-02-29T00:00:00", "UTC", Period::Yearly, 5);
        let days: Vec<&str> = yearly.iter().map(|due| &due[..10]).collect();
        assert_eq!(
            days,
            [
                "2024-02-29",
                "2025-02-28",
                "2026-02-28",
                "2027-02-28",
                "2028-02-29"
            ]
        );
        let quarterly = dues("2023-11-30T00:00:00", "UTC", Period::Quarterly, 3);
        let days: Vec<&str> = quarterly.iter().map(|due| &due[..10]).collect();
        assert_eq!(days, ["2023-11-30", "2024-02-29", "2024-05-30"]);
    }

    #[test]
    fn a_skipped_time_is_the_first_one_after_it() {
        let dues_ = dues(
            "2026-02-08T02:30:00",
            "America/New_York",
            Period::Monthly,
            3,
        );
        assert_eq!(
            dues_,
            [
                "2026-02-08 02:30:00 -0500",
                "2026-03-08 03:00:00 -0400",
                "2026-04-08 02:30:00 -0400",
            ]
        );
        // Samoa went without this whole day.
        let dues_ = dues("2011-11-30T12:00:00", "Pacific/Apia", Period::Monthly, 3);
        assert_eq!(
            dues_,
            [
                "2011-11-30 12:00:00 -1000",
                "2011-12-31 00:00:00 +1400",
                "2012-01-30 12:00:00 +1400",
            ]
        );
    }

    #[test]
    fn a_time_that_comes_twice_counts_the_first_time() {
        let dues = dues(
            "2026-10-01T01:30:00",
            "America/New_York",
            Period::Monthly,
            2,
        );
        assert_eq!(dues[1], "2026-11-01 01:30:00 -0400");
    }

    #[test]
    fn an_anchor_now_is_due_at_once() {
        let now = Timestamp::from_timestamp_micros(1_800_000_000_123_456).unwrap();
        for zone in ["Asia/Seoul", "America/St_Johns", "Australia/Lord_Howe"] {
            let anchor = Anchor::at(now, zone.parse().unwrap());
            let due = anchor.due(Period::Monthly, CycleNumber::FIRST);
            assert_eq!(due.timestamp(), 1_800_000_000, "{zone}");
            assert!(due <= now);
        }
    }

    #[test]
    fn what_is_asked_for_is_never_due_before() {
        let first = |text: &str, zone: &str| {
            let asked: Timestamp = text.parse().unwrap();
            let anchor = Anchor::not_before(asked, zone.parse().unwrap());
            let due = anchor.due(Period::Monthly, CycleNumber::FIRST);
            assert!(due >= asked, "{text} {zone}");
            due.to_rfc3339_opts(chrono::SecondsFormat::Micros, true)
        };
        let whole = "2026-03-01T00:00:00.000000Z";
        assert_eq!(first(whole, "Asia/Seoul"), whole);
        assert_eq!(first("2026-02-28T23:59:59.000001Z", "Asia/Seoul"), whole);
        // 01:30 for the first time, and an hour later for the second.
        let early = "2026-11-01T05:30:00.000000Z";
        assert_eq!(first(early, "America/New_York"), early);
        let late = first("2026-11-01T06:30:00Z", "America/New_York");
        assert_eq!(late, "2026-11-01T07:30:00.000000Z");
        let half = first("2026-04-04T15:15:00Z", "Australia/Lord_Howe");
        assert_eq!(half, "2026-04-04T15:45:00.000000Z");
    }

    #[test]
    fn beyond_the_calendar_is_the_end_of_time() {
        let last = CycleNumber::new(i64::from(u32::MAX)).unwrap();
        let anchor = anchor("2026-01-01T00:00:00", "UTC");
        assert_eq!(last.next(), last);
        assert_eq!(anchor.due(Period::Yearly, last), Timestamp::MAX_UTC);
        for wrong in [0, -1, i64::from(u32::MAX) + 1, i64::MIN] {
            assert_eq!(CycleNumber::new(wrong), None, "{wrong}");
        }
    }
}
