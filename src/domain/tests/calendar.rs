//! Due dates against a second way of finding them, which shares nothing with the first but the
//! zones' offsets: the calendar from the count of its days, gaps and folds from a search.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]
#![expect(
    clippy::arithmetic_side_effects,
    reason = "counts of days and seconds of one century"
)]

use chrono::{NaiveDate, NaiveDateTime, Offset, TimeDelta, TimeZone};
use chrono_tz::Tz;
use domain::Timestamp;
use domain::calendar::{Anchor, CycleNumber, Period};

const ZONES: [&str; 20] = [
    "UTC",
    "Asia/Seoul",
    "Asia/Kathmandu",
    "Asia/Tehran",
    "Asia/Gaza",
    "Europe/London",
    "Europe/Dublin",
    "Europe/Berlin",
    "Africa/Cairo",
    "Africa/Casablanca",
    "America/New_York",
    "America/St_Johns",
    "America/Havana",
    "America/Sao_Paulo",
    "America/Asuncion",
    "Australia/Sydney",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Pacific/Chatham",
    "Pacific/Kiritimati",
];
/// Times of day, those around which clocks are changed among them.
const TIMES: [(i64, i64, i64); 9] = [
    (0, 0, 0),
    (0, 30, 0),
    (1, 30, 0),
    (2, 0, 0),
    (2, 15, 0),
    (2, 59, 59),
    (3, 0, 0),
    (12, 0, 0),
    (23, 59, 59),
];
const CYCLES: i64 = 24;
const DAY: i64 = 86_400;

/// Between two changes of a zone's clocks: from when on, in Unix time, and how far ahead of UTC.
struct Span {
    start: i64,
    ahead: i64,
}

fn ahead(zone: Tz, unix: i64) -> i64 {
    let utc = Timestamp::from_timestamp(unix, 0).unwrap().naive_utc();
    i64::from(zone.offset_from_utc_datetime(&utc).fix().local_minus_utc())
}

/// Every span from before 2000 until after the last cycle of an anchor in 2100.
fn spans(zone: Tz) -> Vec<Span> {
    let (first, last) = (day_number(1999, 12, 1) * DAY, day_number(2126, 1, 1) * DAY);
    let mut spans = vec![Span {
        start: i64::MIN,
        ahead: ahead(zone, first),
    }];
    let mut before = first;
    while before < last {
        let after = before + DAY / 2;
        let (mut low, mut high) = (before, after);
        if ahead(zone, low) != ahead(zone, high) {
            while high - low > 1 {
                let middle = i64::midpoint(low, high);
                if ahead(zone, middle) == ahead(zone, before) {
                    low = middle;
                } else {
                    high = middle;
                }
            }
            spans.push(Span {
                start: high,
                ahead: ahead(zone, high),
            });
        }
        before = after;
    }
    spans
}

/// Days since 1970, by counting the days of years and months.
fn day_number(year: i64, month: i64, day: i64) -> i64 {
    let leaps_until = |year: i64| year / 4 - year / 100 + year / 400;
    let years = (year - 1970) * 365 + leaps_until(year - 1) - leaps_until(1969);
    let months: i64 = (1..month).map(|month| days_in(year, month)).sum();
    years + months + day - 1
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// The first instant at which the clocks show this time, or else a later one.
fn first_instant(spans: &[Span], local: i64) -> i64 {
    let near = spans.partition_point(|span| span.start < local - 3 * DAY);
    let near = near.saturating_sub(1);
    let end = |at: usize| spans.get(at + 1).map_or(i64::MAX, |next| next.start);
    let shows = |at: usize| {
        let unix = local - spans[at].ahead;
        (spans[at].start <= unix && unix < end(at)).then_some(unix)
    };
    let found = (near..spans.len()).find_map(shows);
    found.unwrap_or_else(|| {
        let mut later = spans[near..].iter().skip(1);
        later
            .find(|span| span.start + span.ahead > local)
            .unwrap()
            .start
    })
}

struct Expected<'a> {
    spans: &'a [Span],
    date: (i64, i64, i64),
    time: (i64, i64, i64),
}

impl Expected<'_> {
    fn due(&self, months: i64) -> i64 {
        let (year, month, day) = self.date;
        let total = year * 12 + month - 1 + months;
        let (year, month) = (total / 12, total % 12 + 1);
        let days = day_number(year, month, day.min(days_in(year, month)));
        let (hours, minutes, seconds) = self.time;
        let local = days * DAY + hours * 3_600 + minutes * 60 + seconds;
        first_instant(self.spans, local)
    }
}

/// Every cycle of one anchor; how many there were.
fn check(name: &str, spans: &[Span], days: i64, period: Period) -> i64 {
    let start = NaiveDate::from_ymd_opt(2000, 1, 1).unwrap();
    let date = start + TimeDelta::days(days);
    let time = TIMES[usize::try_from(days).unwrap() % TIMES.len()];
    let part = |format| date.format(format).to_string().parse().unwrap();
    let expected = Expected {
        spans,
        date: (part("%Y"), part("%m"), part("%d")),
        time,
    };
    let (hours, minutes, seconds) = time;
    let of_day = TimeDelta::seconds(hours * 3_600 + minutes * 60 + seconds);
    let local: NaiveDateTime = date.and_time(chrono::NaiveTime::MIN) + of_day;
    let anchor = Anchor::new(local, name.parse().unwrap());
    let mut last = Timestamp::MIN_UTC;
    for number in 1..=CYCLES {
        let due = anchor.due(period, CycleNumber::new(number).unwrap());
        let months = (number - 1) * i64::from(period.months());
        assert_eq!(
            due.timestamp(),
            expected.due(months),
            "{name} {local} {period} {number}"
        );
        assert!(due > last, "{name} {local} {period} {number}");
        last = due;
    }
    CYCLES
}

fn check_every(stride: usize) -> i64 {
    let century = day_number(2101, 1, 1) - day_number(2000, 1, 1);
    let mut checked = 0;
    for (shift, name) in ZONES.into_iter().enumerate() {
        let spans = spans(name.parse().unwrap());
        // each zone has other days, and over them all every time of day
        for days in (0..century).skip(shift % stride).step_by(stride) {
            // with every time of day, each period
            let period = Period::ALL[usize::try_from(days).unwrap() / TIMES.len() % 3];
            checked += check(name, &spans, days, period);
        }
    }
    checked
}

#[test]
fn due_dates_agree_with_a_second_way_of_finding_them() {
    let checked = check_every(61);
    assert!(checked > 280_000, "{checked}");
}

#[test]
fn exhaustive_due_dates_agree_with_a_second_way_of_finding_them() {
    let checked = check_every(1);
    assert_eq!(checked, 36_890 * 24 * 20);
}
