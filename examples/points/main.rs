//! Owns the member service: whoever pays gets a hundredth of it in points, and gives back those of
//! what is given back.

use following::{Happened, Payload, Service};
use rusqlite::{Connection, Transaction, params};
use serde_json::{Value, json};

/// What is paid for one point.
const AMOUNT_PER_POINT: i64 = 100;

/// Whoever pays in another one gets none.
const CURRENCY: &str = "KRW";

/// What members have.
struct Points;

impl Service for Points {
    const NAME: &'static str = "points";

    /// Lines are added and never changed: what a member has is their sum.
    const SCHEMA: &'static str = "
CREATE TABLE IF NOT EXISTS points (
    payment TEXT NOT NULL,
    sequence INTEGER NOT NULL, -- of the event that gave or took them
    member TEXT NOT NULL,
    points INTEGER NOT NULL, -- below 0 where they were taken back
    PRIMARY KEY (payment, sequence)
) STRICT;
CREATE INDEX IF NOT EXISTS points_member ON points (member);
";

    const TYPES: &'static [&'static str] = &[
        "payment.approved",
        "payment.partially_canceled",
        "payment.canceled",
    ];

    /// An event says what is held after it, so that the newest decides alone: a sum of differences
    /// would need every one of them.
    fn apply(commit: &Transaction<'_>, happened: &Happened<'_>) -> rusqlite::Result<()> {
        let Happened {
            event,
            payload,
            member,
        } = happened;
        let Payload::Payment(payload) = payload else {
            return Ok(());
        };
        if payload.currency != CURRENCY {
            return Ok(());
        }
        let given: i64 = commit.query_row(
            "SELECT coalesce(sum(points), 0) FROM points WHERE payment = ?1",
            [&event.subject],
            |row| row.get(0),
        )?;
        let change = due(payload.balance).saturating_sub(given);
        if change == 0 {
            return Ok(());
        }
        commit.execute(
            "INSERT INTO points (payment, sequence, member, points) VALUES (?1, ?2, ?3, ?4)",
            params![event.subject, event.sequence, member, change],
        )?;
        tracing::info!(event = event.id(), change, "points");
        Ok(())
    }

    fn show(connection: &Connection) -> rusqlite::Result<Vec<Value>> {
        let mut rows = connection
            .prepare("SELECT member, sum(points) FROM points GROUP BY member ORDER BY member")?;
        let shown = rows.query_map([], |row| {
            Ok(json!({
                "member": row.get::<_, String>(0)?,
                "points": row.get::<_, i64>(1)?,
            }))
        })?;
        shown.collect()
    }
}

/// The points of what is held, rounded down.
const fn due(balance: i64) -> i64 {
    balance.div_euclid(AMOUNT_PER_POINT)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    following::main::<Points>().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_rounded_down() {
        let points = [(0, 0), (99, 0), (100, 1), (15_050, 150)];
        for (balance, expected) in points {
            assert_eq!(due(balance), expected, "{balance}");
        }
    }
}
