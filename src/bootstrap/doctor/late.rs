//! Owns what is looked at of what waits: whether a worker takes it up, and a scheduler watches.

use std::time::Duration;

use application::ports::Clock as _;
use application::ports::store::{HasInbox as _, Sagas as _, Secrets as _, Watches as _};
use application::stuck_since;
use domain::Timestamp;
use domain::account::Status;
use domain::merchant::GatewayAccount;

use super::Finding;
use crate::adapters::clock::Wall;
use crate::adapters::gateway::card_company;
use crate::adapters::persistence::Database;
use crate::config::Config;

pub(super) const WORKER: &str = "worker";
pub(super) const INBOX: &str = "inbox";
pub(super) const WATCH: &str = "watch";
/// From here on the alerts tell of it, too.
const INBOX_LATE: Duration = Duration::from_mins(2);
const WATCH_BEHIND: Duration = Duration::from_mins(30);
/// A worker that runs takes up what is due within seconds.
const TAKEN_UP_WITHIN: Duration = Duration::from_mins(1);
/// The oldest tell enough.
const ROWS: u32 = 200;

/// How long ago it was; nothing where it is still to come.
fn ago(since: Timestamp) -> Duration {
    let age = Wall::default().now().signed_duration_since(since);
    age.to_std().unwrap_or_default()
}

/// Whether what is due for long is taken up: then it is the gateway that does not tell, otherwise
/// nobody asks it.
pub(super) async fn worker(config: &Config, database: &Database) -> Result<Finding, String> {
    let since = stuck_since(Wall::default().now(), config.timings.stuck_after());
    let stuck = database.stuck_sagas(since, None, ROWS).await;
    let stuck = stuck.map_err(|error| error.to_string())?;
    if stuck.is_empty() {
        return Ok(Finding::skipped(WORKER, "nothing waits for one for long"));
    }
    let late = |due: Timestamp| ago(due) > TAKEN_UP_WITHIN;
    let left = stuck.iter().filter(|saga| late(saga.progress.due_at));
    let left = left.count();
    Ok(if left == 0 {
        let says = format!("{} that are open for too long are asked about", stuck.len());
        Finding::ok(WORKER, says)
    } else {
        let says = format!("{left} that are open for too long are due, and nobody takes them up");
        let fix = "start a copy with the role worker, or see why it does not reach the database";
        Finding::failed(WORKER, says, fix)
    })
}

/// Whether what gateways told is sorted.
pub(super) async fn inbox(database: &Database) -> Result<Finding, String> {
    let tray = database.inbox().tray().await;
    let tray = tray.map_err(|error| error.to_string())?;
    let waits = tray.oldest.map(ago).unwrap_or_default();
    let seconds = waits.as_secs();
    Ok(if waits > INBOX_LATE {
        let says = format!("a notification of a gateway waits for {seconds} s to be looked at");
        let fix = "start a copy with the role worker; `payflow inbox list` shows what waits";
        Finding::warning(INBOX, says, fix)
    } else {
        Finding::ok(INBOX, "no notification of a gateway waits for long")
    })
}

/// Where no list was ever read: whether there is an account, for long, whose gateway has one.
async fn unwatched(database: &Database) -> Result<Finding, String> {
    let accounts = database.every_gateway_account().await;
    let accounts = accounts.map_err(|error| error.to_string())?;
    let is_left = |account: &GatewayAccount| {
        account.status == Status::Active
            && account.gateway != card_company::NAME
            && ago(account.created_at) > WATCH_BEHIND
    };
    let left = accounts.iter().filter(|account| is_left(account)).count();
    Ok(if left == 0 {
        Finding::skipped(
            WATCH,
            "no account at a gateway is there to be watched for long",
        )
    } else {
        let says = format!("nobody has ever read the list of any of {left} accounts at gateways");
        let fix = "start a copy with the role scheduler; see docs/runbooks/PayflowWatchBehind.md";
        Finding::warning(WATCH, says, fix)
    })
}

/// Whether the gateway's own list of movements is read.
pub(super) async fn watch(config: &Config, database: &Database) -> Result<Finding, String> {
    if config.timings.watch_every().is_zero() {
        return Ok(Finding::skipped(
            WATCH,
            "timings.watch_every switches it off",
        ));
    }
    let standing = database.standing().await;
    let standing = standing.map_err(|error| error.to_string())?;
    let Some(until) = standing.until else {
        return unwatched(database).await;
    };
    let behind = ago(until);
    let minutes = behind.as_secs().checked_div(60).unwrap_or_default();
    Ok(if behind > WATCH_BEHIND {
        let says = format!("the list of an account at a gateway was not read for {minutes} min");
        let fix = "start a copy with the role scheduler; see docs/runbooks/PayflowWatchBehind.md";
        Finding::warning(WATCH, says, fix)
    } else {
        Finding::ok(
            WATCH,
            format!("every account was read {minutes} min ago at most"),
        )
    })
}
