//! Owns the command `billing status`: how the cycles of every merchant stand.

use application::counted_by;
use application::ports::Clock as _;
use application::ports::store::CycleBacklog;
use chrono::SecondsFormat;
use clap::Subcommand;
use domain::id::MerchantId;
use serde_json::json;

use super::outside;
use crate::adapters::clock::Wall;
use crate::config::Config;

/// What can be asked about billing. Every command answers with lines of JSON.
#[derive(Subcommand)]
pub(super) enum Action {
    /// Tell for each merchant and mode how many cycles are due, late, being charged, waiting for
    /// another card, charged in the last 24 hours, and given up.
    Status {
        /// Of this merchant only: mer_….
        #[arg(long)]
        merchant: Option<MerchantId>,
    },
}

/// Looks, and answers with what is to be printed.
///
/// # Errors
/// The store does not answer.
pub(super) async fn run(config: &Config, action: Action) -> anyhow::Result<String> {
    let Action::Status { merchant } = action;
    let store = outside::open(config, false).await?;
    let now = Wall::default().now();
    let found = store.dues().backlog(counted_by(now)).await?;
    let wanted = |line: &&CycleBacklog| merchant.is_none_or(|own| line.scope.merchant == own);
    let lines: Vec<String> = found.iter().filter(wanted).map(line).collect();
    Ok(lines.join("\n"))
}

fn line(row: &CycleBacklog) -> String {
    json!({
        "merchant": row.scope.merchant,
        "mode": row.scope.mode.as_str(),
        "suspended": row.suspended,
        "due": row.due,
        "late": row.late,
        "oldestDue": row.oldest_due.map(|at| at.to_rfc3339_opts(SecondsFormat::Micros, true)),
        "charging": row.charging,
        "held": row.held,
        "charged": row.charged,
        "failed": row.failed,
    })
    .to_string()
}
