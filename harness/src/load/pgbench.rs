//! Owns the yardsticks: pgbench running the SQL of a saga's two commits, nothing else.

use std::fs;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use tempfile::TempDir;
use tokio::process::Command;
use tokio::time::timeout;

use crate::books::{Target, connect};
use crate::database::Database;

/// What pgbench runs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Yardstick {
    /// Two commits, with the gateway's pause between them.
    script: &'static str,
    /// The payments that they are about.
    seed: &'static str,
}

/// An approval's.
pub(super) const APPROVAL: Yardstick = Yardstick {
    script: include_str!("../../pgbench/approval.sql"),
    seed: include_str!("../../pgbench/ready.sql"),
};
/// A full cancellation's.
pub(super) const CANCELLATION: Yardstick = Yardstick {
    script: include_str!("../../pgbench/cancel.sql"),
    seed: include_str!("../../pgbench/paid.sql"),
};
/// The account that the seed uses, too.
const ACCOUNT: &str = "SELECT merchant_id, id FROM gateway_accounts ORDER BY id LIMIT 1";
/// More than all clients together can use up in a second; shared, with as much for each alone.
const PER_SECOND_MAX: u64 = 6400;
const PER_CLIENT_SECOND_MIN: u64 = 400;
const OVERTIME: Duration = Duration::from_mins(1);

/// A database of its own with the service's schema.
pub(super) struct Pgbench {
    database: Database,
    yardstick: Yardstick,
    latency: Duration,
}

impl Pgbench {
    /// Copies `original`, to which nobody is connected.
    pub(super) async fn build(
        server: &str,
        original: &Database,
        yardstick: Yardstick,
        latency: Duration,
    ) -> anyhow::Result<Self> {
        let database = original.copy(server).await?;
        Ok(Self {
            database,
            yardstick,
            latency,
        })
    }

    /// One round: how many a second, in tenths.
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
        let (merchant, account) = self.seed(&url, number, clients, seconds).await?;
        let folder: TempDir = tempfile::tempdir()?;
        let script = folder.path().join("script.sql");
        fs::write(&script, self.yardstick.script)?;
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

    /// Prepares the payments of a round; the merchant and the gateway account that they belong to.
    async fn seed(
        &self,
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
        let sql = self
            .yardstick
            .seed
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

    /// Drops the database.
    pub(super) async fn remove(self) -> anyhow::Result<()> {
        self.database.remove().await
    }
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
    use std::path::Path;

    use super::*;

    const MIGRATIONS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../migrations/postgres");
    const ACCESS: &str = "
        INSERT INTO merchants (id, name, created_at)
        VALUES ('mer_' || repeat('0', 34), 'tests', now());
        INSERT INTO gateway_accounts (
            id, merchant_id, mode, gateway, credential_version, created_at
        )
        VALUES ('gwa_' || repeat('0', 34), 'mer_' || repeat('0', 34), 'test', 'toss', 1, now())";

    async fn migrated(server: &str) -> Database {
        let database = Database::create(server, Path::new("")).await.unwrap();
        let Target::Postgres(url) = database.target() else {
            panic!("not a server: {server}");
        };
        let (client, _driver) = connect(&url).await.unwrap();
        let listed = fs::read_dir(MIGRATIONS).unwrap();
        let mut folders: Vec<_> = listed.map(|entry| entry.unwrap().path()).collect();
        folders.sort();
        for folder in folders {
            let sql = fs::read_to_string(folder.join("up.sql")).unwrap();
            client.batch_execute(&sql).await.unwrap();
        }
        client.batch_execute(ACCESS).await.unwrap();
        database
    }

    /// What each script leaves behind has to be what the service would: every CHECK holds, each
    /// statement finds its row, and each payment that was begun has been ended.
    #[expect(
        clippy::disallowed_methods,
        reason = "the script speaks through the environment"
    )]
    async fn ends(yardstick: Yardstick, status: &str, outcome: &str, movement: &str) {
        let server = std::env::var("PAYFLOW_TEST_POSTGRES_URL").expect("run ./scripts/test");
        let original = migrated(&server).await;
        let pgbench = Pgbench::build(&server, &original, yardstick, Duration::ZERO);
        let pgbench = pgbench.await.unwrap();
        let rate = pgbench.round(1, 2, Duration::from_secs(1)).await.unwrap();
        assert!(rate > 0);
        let Target::Postgres(url) = pgbench.database.target() else {
            panic!("not a server: {server}");
        };
        let (client, driver) = connect(&url).await.unwrap();
        let sql = "SELECT
                (SELECT COUNT(*) FROM payments WHERE status = $1),
                (SELECT COUNT(*) FROM sagas WHERE outcome = $2),
                (SELECT COUNT(*) FROM entries WHERE movement LIKE $3),
                (SELECT COUNT(*) FROM events WHERE to_status = $1),
                (SELECT COUNT(*) FROM sagas WHERE phase <> 'CLOSED'),
                (SELECT COUNT(*) FROM payments WHERE saga_id IS NOT NULL),
                (SELECT COUNT(*) FROM idempotency_keys WHERE outcome IS NULL)";
        let row = client.query_one(sql, &[&status, &outcome, &movement]).await;
        let row = row.unwrap();
        let count = |index: usize| row.get::<_, i64>(index);
        assert!(count(0) > 0);
        assert_eq!([count(1), count(2), count(3)], [count(0); 3]);
        assert_eq!([count(4), count(5), count(6)], [0; 3]);
        drop((client, driver));
        pgbench.remove().await.unwrap();
        original.remove().await.unwrap();
    }

    #[tokio::test]
    async fn postgres_takes_the_yardstick_of_an_approval() {
        ends(APPROVAL, "DONE", "APPROVED", "capture").await;
    }

    #[tokio::test]
    async fn postgres_takes_the_yardstick_of_a_cancellation() {
        ends(CANCELLATION, "CANCELED", "CANCELED", "cancel:%").await;
    }

    #[test]
    fn reads_the_rate() {
        let text = "latency average = 1 ms\ntps = 812.349811 (without initial connection time)\n";
        assert_eq!(tenths(text), Some(8123));
        assert_eq!(tenths("nothing"), None);
    }
}
