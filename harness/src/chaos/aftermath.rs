//! Owns what follows every run: all is mended, the clients come back, nothing may stay open, and
//! the books are compared with the gateway's.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

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
];
/// A lease by these settings.
pub(super) const LEASE: Duration = Duration::from_millis(1500);
/// How often its holder prolongs it.
pub(super) const HEARTBEAT: Duration = Duration::from_millis(500);
/// No saga may be open longer than this after the last start.
const SETTLE_PATIENCE: Duration = Duration::from_secs(30);
/// By then the gateway's ten minutes, too, are scaled down to nothing.
const LAPSE_AFTER: Duration = Duration::from_secs(4);
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
    let (lapsed, ()) = tokio::join!(lapse(stand, begun), journal.return_to(service));
    lapsed?;
    let left = SETTLE_PATIENCE.saturating_sub(begun.elapsed());
    let settled = check::settle(&stand.target(), left).await?;
    let settled = settled.map(|_| begun.elapsed());
    journal.verify(service).await?;
    let books = Books::read(&stand.target()).await?;
    let findings = check::compare(&books, &stand.sandbox.ledger().await?);
    let mut breaches = journal.surprises;
    let found = findings.breaches.iter();
    breaches.extend(found.map(|breach| format!("{} {}", breach.invariant, breach.what)));
    if !breaches.is_empty() {
        output::say(&stand.tail());
    }
    Ok(Verdict {
        settled_milliseconds: settled.map(milliseconds),
        unexplained: findings.unexplained,
        breaches,
    })
}

/// Where sagas stay open for long, the gateway's ten minutes pass, whoever comes back meanwhile.
async fn lapse(stand: &Stand, begun: Instant) -> anyhow::Result<()> {
    let left = LAPSE_AFTER.saturating_sub(begun.elapsed());
    if check::settle(&stand.target(), left).await?.is_none() {
        stand.sandbox.advance(CONFIRM_WINDOW).await?;
    }
    Ok(())
}

pub(super) fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
