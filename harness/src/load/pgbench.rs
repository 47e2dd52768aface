//! Owns the yardstick: pgbench running the SQL of an approval's two commits, nothing else.

use std::fs;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use tempfile::TempDir;
use tokio::process::Command;
use tokio::time::timeout;

use crate::books::{Target, connect};
use crate::database::Database;

/// The two commits of an approval, with the gateway's pause between them.
const APPROVAL: &str = include_str!("../../pgbench/approval.sql");
/// The payments that the script approves.
const SEED: &str = include_str!("../../pgbench/seed.sql");
/// The account that the seed uses, too.
const ACCOUNT: &str = "SELECT merchant_id, id FROM gateway_accounts ORDER BY id LIMIT 1";
/// More than all clients together can approve in a second; shared, with as much for each alone.
const PER_SECOND_MAX: u64 = 6400;
const PER_CLIENT_SECOND_MIN: u64 = 400;
const OVERTIME: Duration = Duration::from_mins(1);

/// A database of its own with the service's schema.
pub(super) struct Pgbench {
    database: Database,
    latency: Duration,
}

impl Pgbench {
    /// Copies `original`, to which nobody is connected.
    pub(super) async fn build(
        server: &str,
        original: &Database,
        latency: Duration,
    ) -> anyhow::Result<Self> {
        let database = original.copy(server).await?;
        Ok(Self { database, latency })
    }

    /// One round: approvals per second, in tenths.
    pub(super) async fn round(
        &self,
        number: u32,
        clients: usize,
        length: Duration,
    ) -> anyhow::Result<u64> {
        let Target::Postgres(url) = self.database.target() else {
            bail!("pgbench needs PostgreSQL");
        };
        let seconds = length.as_secs().max(1);
        let (merchant, account) = seed(&url, number, clients, seconds).await?;
        let folder: TempDir = tempfile::tempdir()?;
        let script = folder.path().join("approval.sql");
        fs::write(&script, APPROVAL)?;
        let mut command = Command::new("pgbench");
        command
            .args([
                "--no-vacuum",
                "--protocol=prepared",
                "--jobs=2",
                "--define=n=0",
            ])
            .arg(format!("--client={clients}"))
            .arg(format!("--time={seconds}"))
            .arg(format!("--define=round={number}"))
            .arg(format!("--define=pause={}", self.latency.as_micros()))
            .arg(format!("--define=merchant={merchant}"))
            .arg(format!("--define=account={account}"))
            .arg("--file")
            .arg(&script)
            .arg(&url)
            .stdin(Stdio::null())
            .kill_on_drop(true);
        let output = timeout(length.saturating_add(OVERTIME), command.output()).await??;
        let text = String::from_utf8_lossy(&output.stdout);
        let errors = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "pgbench failed: {text}{errors}");
        let clean = "number of failed transactions: 0 ";
        ensure!(
            text.lines().any(|line| line.starts_with(clean)),
            "pgbench failed: {text}"
        );
        tenths(&text).with_context(|| format!("pgbench printed no rate: {text}"))
    }

    /// Drops the database.
    pub(super) async fn remove(self) -> anyhow::Result<()> {
        self.database.remove().await
    }
}

/// Prepares the payments of a round; the merchant and the gateway account that they belong to.
async fn seed(
    url: &str,
    round: u32,
    clients: usize,
    seconds: u64,
) -> anyhow::Result<(String, String)> {
    let (client, _driver) = connect(url).await?;
    let count = u64::try_from(clients.max(1)).unwrap_or(u64::MAX);
    let per_second = PER_SECOND_MAX
        .checked_div(count)
        .map_or(PER_SECOND_MAX, |share| share.max(PER_CLIENT_SECOND_MIN));
    let each = seconds.saturating_mul(per_second);
    let sql = SEED
        .replace(":round", &round.to_string())
        .replace(":clients", &clients.to_string())
        .replace(":each", &each.to_string());
    client
        .batch_execute(&sql)
        .await
        .context("the payments cannot be seeded")?;
    let row = client
        .query_one(ACCOUNT, &[])
        .await
        .context("there is no gateway account")?;
    Ok((row.try_get(0)?, row.try_get(1)?))
}

/// The rate in tenths, of `tps = 1234.567 (without initial connection time)`.
fn tenths(text: &str) -> Option<u64> {
    let rate = text.lines().find_map(|line| line.strip_prefix("tps = "))?;
    let rate = rate.split(' ').next()?;
    let (whole, fraction) = rate.split_once('.').unwrap_or((rate, "0"));
    let whole: u64 = whole.parse().ok()?;
    let tenth: u64 = fraction.get(..1)?.parse().ok()?;
    whole.checked_mul(10)?.checked_add(tenth)
}

#[cfg(test)]
mod tests {
    use super::tenths;

    #[test]
    fn reads_the_rate() {
        let text = "latency average = 1 ms\ntps = 812.349811 (without initial connection time)\n";
        assert_eq!(tenths(text), Some(8123));
        assert_eq!(tenths("nothing"), None);
    }
}
