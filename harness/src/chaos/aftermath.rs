//! Owns what follows every run: all is mended, the clients come back, nothing may stay open, and
//! the books are compared with the gateway's.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::ends::Ends;
use super::journal::Journal;
use crate::books::Books;
use crate::check;
use crate::output;
use crate::service::Service;
use crate::stand::Stand;

/// Leases, patience, windows and schedules at a tenth: what takes minutes takes seconds.
pub(super) const SETTINGS: &[(&str, &str)] = &[
    ("PAYFLOW_TIMINGS__DIVIDE_BY", "10"),
    // Ten seconds, so that a run sees an unpaid payment expire.
    ("PAYFLOW_TIMINGS__PAYMENT_LIFETIME", "100s"),
    // The watch would mend silently what a saga lost.
    ("PAYFLOW_TIMINGS__WATCH_EVERY", "0s"),
];
/// A lease by these settings.
pub(super) const LEASE: Duration = Duration::from_millis(1500);
/// How often its holder prolongs it.
pub(super) const HEARTBEAT: Duration = Duration::from_millis(500);
/// No saga may be open longer than this after the last start. It takes a tenth of it where nothing
/// else runs; how long it took is a figure, and a slow machine is no finding.
pub(super) const SETTLE_PATIENCE: Duration = Duration::from_mins(2);
/// By then no call from before can take effect any more, and what a question can tell was told:
/// whoever still waits, waits for the end of the gateway's ten minutes.
const LAPSE_AFTER: Duration = Duration::from_secs(8);
/// Just over the gateway's window for confirming an authentication.
const CONFIRM_WINDOW: Duration = Duration::from_secs(601);

/// What a run left behind.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Verdict {
    /// From the last start until no saga was open; none when one still is.
    pub(super) settled_milliseconds: Option<u64>,
    /// Money that one side has and the other does not.
    pub(super) unexplained: u64,
    /// How often the gateway's clock was moved past its window.
    #[serde(default)]
    pub(super) jumps: u64,
    /// How the payments ended, by part.
    #[serde(default)]
    pub(super) ends: Ends,
    /// What does not hold.
    pub(super) breaches: Vec<String>,
}

impl Verdict {
    /// A run that could not be brought to its end: nothing was proven by it.
    pub(super) fn failed(error: &anyhow::Error) -> Self {
        Self {
            breaches: vec![format!("{error:#}")],
            ..Self::default()
        }
    }

    /// Whether all holds and nothing is open.
    pub(super) fn is_well(&self) -> bool {
        self.breaches.is_empty() && self.settled_milliseconds.is_some()
    }
}

/// Nothing goes wrong any more from here on; `service` was begun, or went on, at `begun`.
pub(super) async fn reckon(
    stand: &mut Stand,
    service: &Service,
    mut journal: Journal,
    begun: Instant,
) -> anyhow::Result<Verdict> {
    let (jumped, ()) = tokio::join!(lapse(stand, begun), journal.return_to(service));
    let jumps = u64::from(jumped?);
    let left = SETTLE_PATIENCE.saturating_sub(begun.elapsed());
    let settled = check::settle(&stand.target(), left).await?;
    let settled = settled.map(|_| begun.elapsed());
    journal.verify(service).await?;
    let books = Books::read(&stand.target()).await?;
    let findings = check::compare(&books, &stand.sandbox.ledger().await?);
    let played = journal.played().clone();
    let mut breaches = journal.surprises;
    breaches.extend(findings.sayings());
    if !breaches.is_empty() {
        output::say(&stand.tail());
    }
    Ok(Verdict {
        settled_milliseconds: settled.map(milliseconds),
        unexplained: findings.unexplained,
        jumps,
        ends: Ends::of(&books, &played),
        breaches,
    })
}

/// Where sagas stay open for long, the gateway's ten minutes pass, whoever comes back meanwhile;
/// whether they did.
async fn lapse(stand: &Stand, begun: Instant) -> anyhow::Result<bool> {
    let left = LAPSE_AFTER.saturating_sub(begun.elapsed());
    if check::settle(&stand.target(), left).await?.is_some() {
        return Ok(false);
    }
    stand.sandbox.advance(CONFIRM_WINDOW).await?;
    Ok(true)
}

pub(super) fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
