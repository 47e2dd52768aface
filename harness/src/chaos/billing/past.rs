//! Owns months that pass: all dates of subscriptions are moved back while no scheduler runs, so
//! that their cycles are due as after an outage; and rows in numbers that no client makes.

use anyhow::Context as _;
use chrono::{DateTime, Days, FixedOffset, Months, NaiveDateTime, Utc};

use crate::books::{Books, Target, connect, write};

const ANCHOR_FORMAT: &str = "%Y-%m-%dT%H:%M:%S";
const KOREA_SECONDS_EAST: i32 = 9 * 3600;
/// Ids of copies begin so: no clock shows a time that early.
const COPIES_BELOW: &str = "sub_001";
/// So far are the ids of two copies of one row from each other.
const COPY_STEP: u64 = 1_000_000;

/// The present.
#[expect(
    clippy::disallowed_methods,
    reason = "the programs that are looked at have the system's clock"
)]
pub(super) fn present() -> DateTime<Utc> {
    Utc::now()
}

/// The present, in microseconds since 1970.
pub(super) fn now() -> i64 {
    present().timestamp_micros()
}

/// How much time passes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Span {
    /// By the calendar.
    Months(u32),
    /// Of 24 hours.
    Days(u64),
}

/// These subscriptions, or all of them, began so much earlier.
pub(super) async fn move_back(
    target: &Target,
    span: Span,
    only: Option<&str>,
) -> anyhow::Result<()> {
    let whose = only.map_or(String::new(), |id| format!(" AND id = '{id}'"));
    let mut statements = Vec::new();
    let all = Books::anchors(target, only).await?;
    for (anchor, number) in &all {
        let back = moved(anchor, span)?;
        let due = instant(target, due(back, *number)?);
        statements.push(format!(
            "UPDATE cycles SET due_at = {due},
                next_at = CASE WHEN next_at IS NULL THEN NULL ELSE {due} END
             WHERE number = {number} AND subscription_id IN
                (SELECT id FROM subscriptions WHERE anchor = '{anchor}'{whose})"
        ));
    }
    // Ascending: what was moved is never met again.
    let mut anchors: Vec<&String> = all.iter().map(|(anchor, _)| anchor).collect();
    anchors.dedup();
    for anchor in anchors {
        let back = moved(anchor, span)?.format(ANCHOR_FORMAT);
        statements.push(format!(
            "UPDATE subscriptions SET anchor = '{back}' WHERE anchor = '{anchor}'{whose}"
        ));
    }
    write(target, &statements).await
}

/// Whatever was put off until later is due now: the time has passed.
pub(super) async fn let_pass(target: &Target) -> anyhow::Result<()> {
    let now = instant(target, now());
    let statement =
        format!("UPDATE cycles SET next_at = {now} WHERE next_at > {now} AND due_at <= {now}");
    write(target, &[statement]).await
}

/// Each subscription there is so many times in all, with its cycle and its log; and where it is
/// `told`, others hear of each.
pub(super) async fn multiply(target: &Target, times: u64, told: bool) -> anyhow::Result<()> {
    let zeros = "0".repeat(34);
    let padded = match target {
        Target::Sqlite(_) => format!("substr('{zeros}' || (n * {COPY_STEP} + row), -34)"),
        Target::Postgres(_) => {
            format!("right('{zeros}' || (n * CAST({COPY_STEP} AS BIGINT) + row), 34)")
        }
    };
    let copies = format!(
        "INSERT INTO subscriptions (id, merchant_id, mode, member, plan_code, billing_key_id,
            anchor, zone, status, version, created_at)
         WITH RECURSIVE counted(n) AS
            (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n + 1 < {times})
         SELECT 'sub_' || {padded}, merchant_id, mode, member, plan_code, billing_key_id, anchor,
            zone, status, version, created_at
         FROM counted,
            (SELECT subscriptions.*, row_number() OVER (ORDER BY id) AS row FROM subscriptions) s
         WHERE {times} > 1"
    );
    let of_copies = format!(
        "FROM subscriptions copy
         JOIN subscriptions s ON s.merchant_id = copy.merchant_id AND s.mode = copy.mode
            AND s.member = copy.member AND s.id >= '{COPIES_BELOW}'"
    );
    let below = format!("WHERE copy.id < '{COPIES_BELOW}'");
    let cycles = format!(
        "INSERT INTO cycles (subscription_id, number, merchant_id, mode, due_at, currency, amount,
            status, next_at, declined, version)
         SELECT copy.id, c.number, c.merchant_id, c.mode, c.due_at, c.currency, c.amount, c.status,
            c.next_at, 0, 1
         {of_copies} JOIN cycles c ON c.subscription_id = s.id {below}"
    );
    let events = format!(
        "INSERT INTO subscription_events (subscription_id, sequence, merchant_id, mode, kind,
            from_status, to_status, cycle, payment_id, decline_reason, actor, occurred_at)
         SELECT copy.id, e.sequence, e.merchant_id, e.mode, e.kind, e.from_status, e.to_status,
            e.cycle, e.payment_id, e.decline_reason, e.actor, e.occurred_at
         {of_copies} JOIN subscription_events e ON e.subscription_id = s.id {below}"
    );
    // The log's own trigger lets it wait for its position.
    let telling = format!(
        "INSERT INTO member_events (subject, sequence, merchant_id, mode, kind, from_status,
            to_status, actor, member, occurred_at, payload, trace_id, trace_parent)
         SELECT copy.id, e.sequence, e.merchant_id, e.mode, e.kind, e.from_status, e.to_status,
            e.actor, e.member, e.occurred_at, e.payload, e.trace_id, e.trace_parent
         {of_copies} JOIN member_events e ON e.subject = s.id {below}"
    );
    let telling = told.then_some(telling);
    let statements = [copies, cycles, events].into_iter().chain(telling);
    write(target, &statements.collect::<Vec<_>>()).await
}

fn moved(anchor: &str, span: Span) -> anyhow::Result<NaiveDateTime> {
    let local = NaiveDateTime::parse_from_str(anchor, ANCHOR_FORMAT)?;
    let back = match span {
        Span::Months(months) => local.checked_sub_months(Months::new(months)),
        Span::Days(days) => local.checked_sub_days(Days::new(days)),
    };
    back.context("before all time")
}

/// When the cycle of this number is due, in microseconds since 1970; the merchant is in Seoul.
fn due(anchor: NaiveDateTime, number: i64) -> anyhow::Result<i64> {
    let zone = FixedOffset::east_opt(KOREA_SECONDS_EAST).context("nine hours")?;
    let months = u32::try_from(number.saturating_sub(1))?;
    let local = anchor.checked_add_months(Months::new(months));
    let at = local.and_then(|local| local.and_local_timezone(zone).single());
    Ok(at.context("after all time")?.timestamp_micros())
}

/// What a copy is called: the one of this number, of the row of this number.
pub(super) fn copy_id(number: u64, row: u64) -> String {
    let digits = number.saturating_mul(COPY_STEP).saturating_add(row);
    format!("sub_{digits:034}")
}

/// Has a server count its rows and forget what is gone, as it does by itself when it has time.
pub(super) async fn tidy(target: &Target) -> anyhow::Result<()> {
    if let Target::Postgres(url) = target {
        let (client, _driver) = connect(url).await?;
        client.batch_execute("VACUUM ANALYZE").await?;
    }
    Ok(())
}

/// An instant as the database writes it.
pub(super) fn instant(target: &Target, micros: i64) -> String {
    match target {
        Target::Sqlite(_) => micros.to_string(),
        Target::Postgres(_) => {
            format!("(TIMESTAMPTZ 'epoch' + {micros} * INTERVAL '1 microsecond')")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_called_as_the_database_calls_it() {
        let id = copy_id(12, 3);
        assert_eq!(id, "sub_0000000000000000000000000012000003");
        assert!(id.as_str() < COPIES_BELOW);
        assert!(copy_id(500_000, 2).as_str() < COPIES_BELOW);
    }

    #[test]
    fn months_pass_by_the_calendar() {
        let back = moved("2026-03-31T09:00:00", Span::Months(13)).unwrap();
        assert_eq!(back.to_string(), "2025-02-28 09:00:00");
        let first = due(back, 1).unwrap();
        let second = due(back, 2).unwrap();
        assert_eq!(second - first, 28 * 86_400_000_000);
    }
}
