//! Owns what of the database is looked at: whether it answers, its schema and its clock; and what
//! is in it that a copy should have done.

use std::sync::Arc;
use std::time::Duration;

use application::ports::Clock as _;
use application::ports::store::{Access as _, Leases as _, OpenSagas, Sagas as _, Secrets as _};
use application::stuck_since;
use domain::lease::Job;

use super::{Finding, late};
use crate::adapters::clock::Wall;
use crate::adapters::persistence::{Database, pending_migrations};
use crate::bootstrap::{bus, outside, vault};
use crate::config::Config;

/// How long the database may take to answer a question about nothing.
const SLOW: Duration = Duration::from_millis(250);
/// From here on it shows in what people are told.
const SKEW_TOLD: i64 = 2;
/// How many data keys are read at once.
const ROWS: u32 = 500;

/// The database, where it can be looked into.
pub(super) async fn examine(config: &Config, findings: &mut Vec<Finding>) -> Option<Database> {
    let database = match outside::connect(config, false, false).await {
        Ok(database) => database,
        Err(error) => {
            let fix = "see that it runs and that database.url is right; `payflow migrate` makes an \
                       embedded one";
            findings.push(Finding::failed("database", format!("{error:#}"), fix));
            findings.push(Finding::skipped("migrations", "there is no database"));
            return None;
        }
    };
    let begun = tokio::time::Instant::now();
    let answered = database.ping().await;
    let took = begun.elapsed();
    let milliseconds = took.as_millis();
    findings.push(match answered {
        Ok(()) if took < SLOW => {
            Finding::ok("database", format!("it answers within {milliseconds} ms"))
        }
        Ok(()) => Finding::warning(
            "database",
            format!("it takes {milliseconds} ms to answer"),
            "every payment waits for it several times: bring it nearer, or see what keeps it busy",
        ),
        Err(error) => Finding::failed("database", error.to_string(), "see that it runs"),
    });
    match pending_migrations(&database).await {
        Ok(pending) if pending.is_empty() => {
            findings.push(Finding::ok("migrations", "the schema is this version's"));
        }
        Ok(pending) => {
            let says = format!("{} are pending: {}", pending.len(), pending.join(", "));
            findings.push(Finding::failed("migrations", says, "payflow migrate"));
            return None;
        }
        Err(error) => {
            let fix = "see that it runs, and that its user may read the schema";
            findings.push(Finding::failed("migrations", error.to_string(), fix));
            return None;
        }
    }
    findings.push(skew(config, &database).await);
    Some(database)
}

/// Tokens and due dates go by this machine's clock, leases by the database's.
async fn skew(config: &Config, database: &Database) -> Finding {
    const CHECK: &str = "clock";
    let fix = "let both machines take their time from NTP";
    let there = match database.clock().await {
        Ok(there) => there,
        Err(error) => return Finding::failed(CHECK, error.to_string(), fix),
    };
    let skew = Wall::default()
        .now()
        .signed_duration_since(there)
        .num_seconds();
    let skew = skew.saturating_abs();
    let leeway = i64::try_from(config.identity.leeway.duration().as_secs()).unwrap_or(i64::MAX);
    let says = format!("{skew} s between this machine's and the database's");
    if skew > leeway {
        Finding::failed(CHECK, says, fix)
    } else if skew > SKEW_TOLD {
        Finding::warning(CHECK, says, fix)
    } else {
        Finding::ok(CHECK, says)
    }
}

/// What copies should have done.
pub(super) async fn work(config: &Config, database: &Database, findings: &mut Vec<Finding>) {
    let away = |check, error| Finding::failed(check, error, "see that the database runs");
    let found = leases(config, database).await;
    findings.push(found.unwrap_or_else(|error| away("leases", error)));
    let found = stuck(config, database).await;
    findings.push(found.unwrap_or_else(|error| away("sagas", error)));
    let found = late::worker(config, database).await;
    findings.push(found.unwrap_or_else(|error| away(late::WORKER, error)));
    let found = late::inbox(database).await;
    findings.push(found.unwrap_or_else(|error| away(late::INBOX, error)));
    let found = late::watch(config, database).await;
    findings.push(found.unwrap_or_else(|error| away(late::WATCH, error)));
    findings.push(secrets(config, database).await);
}

/// What the settings want done; who did what they want no more is nobody's business.
async fn leases(config: &Config, database: &Database) -> Result<Finding, String> {
    let found = database.leases().await.map_err(|error| error.to_string())?;
    if found.is_empty() {
        return Ok(Finding::warning(
            "leases",
            "no copy has ever given events their positions",
            "start a copy with the role sequencer (`payflow serve` has every role)",
        ));
    }
    let jobs = bus::jobs(config);
    let held = |job: &Job| found.iter().any(|lease| lease.job == *job && lease.is_held);
    let free = jobs.iter().filter(|job| !held(job));
    let free: Vec<&str> = free.map(Job::as_str).collect();
    Ok(if free.is_empty() {
        Finding::ok(
            "leases",
            format!("{} jobs are each done by a copy", jobs.len()),
        )
    } else {
        Finding::warning(
            "leases",
            format!("no copy does: {}", free.join(", ")),
            "start a copy with the role: sequencer, relay (kafka) or courier (webhooks)",
        )
    })
}

async fn stuck(config: &Config, database: &Database) -> Result<Finding, String> {
    let now = Wall::default().now();
    let since = stuck_since(now, config.timings.stuck_after());
    let open = database.open_sagas(since).await;
    let open = open.map_err(|error| error.to_string())?;
    let sum = |of: fn(&OpenSagas) -> u64| open.iter().map(of).fold(0, u64::saturating_add);
    let (all, stuck) = (sum(|sagas| sagas.count), sum(|sagas| sagas.stuck));
    Ok(if stuck == 0 {
        Finding::ok("sagas", format!("{all} are open, none for too long"))
    } else {
        Finding::failed(
            "sagas",
            format!("{stuck} of {all} are open for too long: it is unknown whether money moved"),
            "`payflow stuck` lists them; docs/runbooks/PayflowUnknownTooLong.md says what to do",
        )
    })
}

/// Whether the credentials of the gateway accounts can be unsealed with the master keys.
async fn secrets(config: &Config, database: &Database) -> Finding {
    const CHECK: &str = "secrets";
    let fix = "set the master keys that they were sealed with; see docs/secrets.md";
    if !vault::is_there(config) {
        return match database.data_keys(None, 1).await {
            Ok(sealed) if sealed.is_empty() => {
                Finding::skipped(CHECK, "no master key was made yet")
            }
            Ok(_) => Finding::failed(
                CHECK,
                "secrets are sealed, and the master key is gone: there is no master.key in \
                 files.dir, and none is set",
                "bring master.key back from the backup of files.dir before a copy starts, which \
                 would make another one; without it every account has to be given its \
                 credentials anew; see docs/secrets.md",
            ),
            Err(error) => Finding::failed(CHECK, error.to_string(), fix),
        };
    }
    let vault = match vault::open(config, Arc::new(database.clone())) {
        Ok(vault) => vault,
        Err(error) => return Finding::failed(CHECK, format!("{error:#}"), fix),
    };
    let mut count: usize = 0;
    let mut after = None;
    loop {
        let page = match database.data_keys(after, ROWS).await {
            Ok(page) => page,
            Err(error) => return Finding::failed(CHECK, error.to_string(), fix),
        };
        let Some(last) = page.last() else {
            return Finding::ok(CHECK, format!("{count} data keys can be unwrapped"));
        };
        after = Some(last.id);
        for key in &page {
            if let Err(error) = vault.opens(key) {
                let says = format!(
                    "the data key of {} cannot be unwrapped: {error}",
                    key.merchant
                );
                return Finding::failed(CHECK, says, fix);
            }
            count = count.saturating_add(1);
        }
    }
}
