//! Owns the two lists: transactions by instant, settlements by day.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};
use serde_json::Value;

use super::fields::Fields;
use super::refuse;
use crate::catalogue::Refusal;
use crate::clock::{Timestamp, from_korean, korean};
use crate::config::{Config, RangeEnd, Settlements, Typing};
use crate::objects::settlement::dates;
use crate::objects::transaction::Row;
use crate::objects::{settlement, transaction};
use crate::state::State;
use crate::state::fact::Entry;
use crate::store::Transaction;

const ROWS_DEFAULT: i64 = 100;
const TRANSACTIONS_MAX: i64 = 5000;

/// The days a list of settlements is about, and by which date.
struct Days {
    first: NaiveDate,
    last: NaiveDate,
    by_pay_out: bool,
}

/// `GET /v1/transactions`: the movements of a range of instants, oldest first.
pub(crate) fn transactions(
    asked: &Transaction,
    config: &Config,
    query: &Value,
) -> Result<String, Refusal> {
    let fields = Fields::of(query, Typing::Lenient)?;
    let start = instant(&fields.required_text("startDate")?)?;
    let mut end = instant(&fields.required_text("endDate")?)?;
    if end < start {
        return refuse("INVALID_DATE");
    }
    if config.settings.range_end == RangeEnd::Included {
        // Dates have whole seconds; movements within the last one are in the range.
        end = end
            .checked_add_signed(TimeDelta::seconds(1))
            .unwrap_or(Timestamp::MAX_UTC);
    }
    let limit = rows(fields.amount("limit")?, TRANSACTIONS_MAX)?;
    let state = asked.state();
    let after = match fields.text("startingAfter")? {
        None => 0,
        Some(key) => match state.movement(&key) {
            Some(entry) => entry.sequence,
            None => return refuse(config.settings.unknown_paging_key_code),
        },
    };
    let entries = state.movements(&(start..end));
    let skipped = entries.partition_point(|entry| entry.sequence <= after);
    let page = entries.iter().skip(skipped).take(limit);
    Ok(transaction::render(with_payments(page, state), config))
}

/// `GET /v1/settlements`: what is settled or paid out on a range of days, oldest first.
pub(crate) fn settlements(
    asked: &Transaction,
    config: &Config,
    query: &Value,
) -> Result<String, Refusal> {
    let fields = Fields::of(query, Typing::Lenient)?;
    let days = Days {
        first: day(&fields.required_text("startDate")?)?,
        last: day(&fields.required_text("endDate")?)?,
        by_pay_out: match fields.text("dateType")?.as_deref() {
            None | Some("soldDate") => false,
            Some("paidOutDate") => true,
            Some(_) => return refuse("INVALID_REQUEST"),
        },
    };
    if days.last < days.first {
        return refuse("INVALID_DATE");
    }
    let page = fields.amount("page")?.unwrap_or(1);
    let size = rows(fields.amount("size")?, config.settings.settlement_rows_max)?;
    let Some(before) = page
        .checked_sub(1)
        .and_then(|page| usize::try_from(page).ok())
    else {
        return refuse("INVALID_REQUEST");
    };
    let settled = match config.settings.settlements {
        Settlements::FromLedger => settled(asked, config, &days),
        Settlements::Empty => &[],
    };
    let settled = settled.iter().filter(|entry| entry.kind.moves_money());
    let page = settled.skip(before.saturating_mul(size)).take(size);
    Ok(settlement::render(
        with_payments(page, asked.state()),
        config,
    ))
}

/// The movements whose date is within the days; those of today are not settled before tomorrow.
fn settled<'a>(asked: &'a Transaction, config: &Config, days: &Days) -> &'a [Entry] {
    let today = start_of(korean(asked.now()).date_naive());
    let entries = asked.state().movements(&(Timestamp::MIN_UTC..today));
    let date = |entry: &Entry| {
        let (sold, paid_out) = dates(korean(entry.at).date_naive(), &config.settings);
        if days.by_pay_out { paid_out } else { sold }
    };
    let first = entries.partition_point(|entry| date(entry) < days.first);
    let end = entries.partition_point(|entry| date(entry) <= days.last);
    entries.get(first..end).unwrap_or_default()
}

fn with_payments<'a>(
    entries: impl Iterator<Item = &'a Entry>,
    state: &'a State,
) -> impl Iterator<Item = Row<'a>> {
    entries.map(|entry| {
        let payment = state.payment(&entry.payment_key);
        (
            entry,
            payment.expect("money moves for a payment that exists"),
        )
    })
}

fn rows(asked: Option<i64>, max: i64) -> Result<usize, Refusal> {
    match asked.unwrap_or(ROWS_DEFAULT.min(max)) {
        rows if rows > max => refuse("EXCEED_MAX_QUERY_LIMIT"),
        rows if rows >= 1 => usize::try_from(rows).or_else(|_| refuse("INVALID_REQUEST")),
        _ => refuse("INVALID_REQUEST"),
    }
}

/// `yyyy-MM-dd'T'HH:mm:ss` in Korean time or with an offset; a day alone is its first instant.
fn instant(text: &str) -> Result<Timestamp, Refusal> {
    if let Ok(with_offset) = DateTime::parse_from_rfc3339(text) {
        return Ok(with_offset.to_utc());
    }
    match text.parse::<NaiveDateTime>() {
        Ok(local) => Ok(from_korean(local)),
        Err(_) => day(text).map(start_of),
    }
}

fn day(text: &str) -> Result<NaiveDate, Refusal> {
    text.parse().or_else(|_| refuse("INVALID_DATE"))
}

fn start_of(day: NaiveDate) -> Timestamp {
    from_korean(day.and_time(NaiveTime::MIN))
}
