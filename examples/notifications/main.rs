//! Owns the notification service: every member is told once of what became of a payment.

use following::{Happened, Payload, Service};
use rusqlite::{Connection, Transaction, params};
use serde_json::{Value, json};

/// What members are told of.
struct Notifications;

impl Service for Notifications {
    const NAME: &'static str = "notifications";

    /// A row is a message that goes out once: its event is its name.
    const SCHEMA: &'static str = "
CREATE TABLE IF NOT EXISTS notifications (
    event TEXT PRIMARY KEY,
    member TEXT NOT NULL,
    code TEXT NOT NULL,
    text TEXT NOT NULL
) STRICT;
";

    const TYPES: &'static [&'static str] = &[
        "payment.approved",
        "payment.declined",
        "payment.aborted",
        "payment.cancel_requested",
        "payment.withdrawn",
        "payment.partially_canceled",
        "payment.canceled",
    ];

    fn apply(commit: &Transaction<'_>, happened: &Happened<'_>) -> rusqlite::Result<()> {
        let event = happened.event;
        let Some(code) = code(&event.kind) else {
            return Ok(());
        };
        commit.execute(
            "INSERT INTO notifications (event, member, code, text) VALUES (?1, ?2, ?3, ?4)",
            params![
                event.id(),
                happened.member,
                code,
                text(code, &happened.payload)
            ],
        )?;
        tracing::info!(event = event.id(), code, "told");
        Ok(())
    }

    fn show(connection: &Connection) -> rusqlite::Result<Vec<Value>> {
        let mut rows = connection
            .prepare("SELECT event, member, code, text FROM notifications ORDER BY rowid")?;
        let shown = rows.query_map([], |row| {
            Ok(json!({
                "event": row.get::<_, String>(0)?,
                "member": row.get::<_, String>(1)?,
                "code": row.get::<_, String>(2)?,
                "text": row.get::<_, String>(3)?,
            }))
        })?;
        shown.collect()
    }
}

/// The word for it, the same that `payment.notification.requested` has on Kafka.
fn code(kind: &str) -> Option<&'static str> {
    match kind {
        "payment.approved" => Some("APPROVED"),
        "payment.declined" | "payment.aborted" => Some("FAILED"),
        "payment.cancel_requested" => Some("CANCEL_REQUESTED"),
        "payment.partially_canceled" | "payment.canceled" | "payment.withdrawn" => {
            Some("CANCELLED")
        }
        _ => None,
    }
}

fn text(code: &str, payload: &Payload) -> String {
    let Payload {
        order_id: order,
        amount,
        currency,
        balance,
    } = payload;
    match code {
        "APPROVED" => format!("{order}: {amount} {currency} were paid"),
        "FAILED" => format!("{order}: nothing was paid"),
        "CANCEL_REQUESTED" => format!("{order}: money is on its way back"),
        _ => format!("{order}: given back; {balance} {currency} are left of {amount}"),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    following::main::<Notifications>().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_it_hears_of_has_a_code() {
        for kind in Notifications::TYPES {
            assert!(code(kind).is_some(), "{kind}");
        }
        assert_eq!(code("payment.prepared"), None);
    }
}
