//! Owns whole rows as text, to be compared with what they were before.

use std::collections::BTreeMap;

use super::target::{Dialect, Row};
use super::{Books, Snapshot, Target};

/// Every table that tells of members and their money.
pub(crate) const TABLES: [&str; 11] = [
    "plans",
    "subscriptions",
    "cycles",
    "subscription_events",
    "payments",
    "gateway_orders",
    "sagas",
    "entries",
    "events",
    "billing_keys",
    "idempotency_keys",
];

/// Rows by their table and text, and how often each is there.
pub(crate) type Rows = BTreeMap<(&'static str, String), u64>;

impl Books {
    /// Every row of every table that tells of members and their money.
    pub(crate) async fn rows(target: &Target) -> anyhow::Result<Rows> {
        let snapshot = Snapshot::open(target).await?;
        let mut rows = Rows::new();
        for table in TABLES {
            let sql = match snapshot.dialect() {
                Dialect::Postgres => format!("SELECT CAST(t AS TEXT) FROM {table} t"),
                Dialect::Sqlite => {
                    let asked = format!("SELECT name FROM pragma_table_info('{table}')");
                    let names = snapshot.rows(&asked, first).await?;
                    let quoted = names.iter().map(|name| format!("quote(\"{name}\")"));
                    let quoted: Vec<String> = quoted.collect();
                    format!("SELECT {} FROM {table}", quoted.join(" || ',' || "))
                }
            };
            for row in snapshot.rows(&sql, first).await? {
                let count = rows.entry((table, row)).or_default();
                *count = count.saturating_add(1);
            }
        }
        Ok(rows)
    }

    /// The payments that were made for a subscription's cycles.
    pub(crate) async fn payments_of(
        target: &Target,
        subscription: &str,
    ) -> anyhow::Result<Vec<String>> {
        let snapshot = Snapshot::open(target).await?;
        let sql = format!("SELECT id FROM payments WHERE order_id LIKE '{subscription}-%'");
        snapshot.rows(&sql, first).await
    }
}

fn first(row: &Row<'_>) -> anyhow::Result<String> {
    row.text(0)
}
