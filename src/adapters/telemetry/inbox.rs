//! Owns what operators see of what gateways tell: what came, what became of it, and what waits.

use application::ports::{Brought, Clock as _, Looked, Store};
use domain::Timestamp;
use domain::inbox::{Change, Verdict};
use prometheus::{Gauge, IntCounterVec, IntGauge, Opts};

use super::book::{Book, begun, lower, registered};
use crate::adapters::clock::Wall;

/// The metrics of what gateways tell.
pub(in crate::adapters) struct Inbox {
    brought: IntCounterVec,
    sorted: IntCounterVec,
    looks: IntCounterVec,
    hints: IntGauge,
    oldest_seconds: Gauge,
    oldest_hint_seconds: Gauge,
}

impl Inbox {
    pub(super) fn registered(registry: &Book) -> Result<Self, prometheus::Error> {
        let brought = Opts::new(
            "payflow_inbox_notifications_total",
            "Notifications of gateways by what was done with them: kept, again, dropped, refused",
        );
        let sorted = Opts::new(
            "payflow_inbox_sorted_total",
            "Kept notifications by what they turned out to be",
        );
        let looks = Opts::new(
            "payflow_inbox_looks_total",
            "Looks at payments because of notifications, by what they came to",
        );
        let gauge = |name, help| registered(registry, Gauge::new(name, help)?);
        let hints = IntGauge::new(
            "payflow_inbox_hints",
            "Payments that are to be looked at because of notifications",
        )?;
        let brought = registered(registry, IntCounterVec::new(brought, &["result"])?)?;
        begun(&brought, lower(["kept", "again", "dropped", "refused"]));
        let sorted = registered(registry, IntCounterVec::new(sorted, &["verdict"])?)?;
        let verdicts = Verdict::ALL
            .iter()
            .filter(|verdict| **verdict != Verdict::Waiting);
        begun(&sorted, lower(verdicts.map(|verdict| verdict.as_str())));
        let looks = registered(registry, IntCounterVec::new(looks, &["result"])?)?;
        let words = [
            "settled",
            "known",
            "hastened",
            "over_budget",
            "unanswered",
            "strange",
        ];
        begun(&looks, lower(words));
        Ok(Self {
            brought,
            sorted,
            looks,
            hints: registered(registry, hints)?,
            oldest_seconds: gauge(
                "payflow_inbox_oldest_seconds",
                "For how long the oldest notification is due that was not looked at",
            )?,
            oldest_hint_seconds: gauge(
                "payflow_inbox_oldest_hint_seconds",
                "For how long the first payment is due that is to be looked at",
            )?,
        })
    }

    pub(super) fn brought(&self, brought: Brought) {
        let word = match brought {
            Brought::Kept => "kept",
            Brought::Again => "again",
            Brought::Dropped => "dropped",
            Brought::Refused => "refused",
        };
        self.brought.with_label_values(&[word]).inc();
    }

    pub(super) fn looked(&self, looked: Looked) {
        let word = match looked {
            Looked::Settled => "settled",
            Looked::Known => "known",
            Looked::Hastened => "hastened",
            Looked::OverBudget => "over_budget",
            Looked::Unanswered => "unanswered",
            Looked::Strange => "strange",
        };
        self.looks.with_label_values(&[word]).inc();
    }

    /// Counts what was committed.
    pub(in crate::adapters) fn committed(&self, change: &Change) {
        match change {
            Change::Update { inbound, .. } => {
                let verdict = inbound.verdict.as_str().to_lowercase();
                self.sorted.with_label_values(&[verdict.as_str()]).inc();
            }
            // What came is counted as it comes; its verdict, once there is one.
            Change::Insert(inbound) if inbound.verdict != Verdict::Waiting => {
                let verdict = inbound.verdict.as_str().to_lowercase();
                self.sorted.with_label_values(&[verdict.as_str()]).inc();
            }
            Change::Insert(_)
            | Change::InsertToken(_)
            | Change::EndToken { .. }
            | Change::InsertSecurityKey(_)
            | Change::EndSecurityKey { .. }
            | Change::InsertHint(_)
            | Change::UpdateHint { .. } => {}
        }
    }

    /// Looks at the store, at the real time.
    pub(super) async fn count(&self, store: &dyn Store) {
        let now = Wall::default().now();
        let late = |due: Option<Timestamp>| {
            let late = due.map(|due| now.signed_duration_since(due));
            let late = late.and_then(|late| late.to_std().ok());
            late.unwrap_or_default().as_secs_f64()
        };
        match store.inbox().tray().await {
            Ok(tray) => {
                self.hints
                    .set(i64::try_from(tray.hints).unwrap_or(i64::MAX));
                self.oldest_seconds.set(late(tray.oldest));
                self.oldest_hint_seconds.set(late(tray.oldest_hint));
            }
            Err(error) => tracing::warn!(%error, "the inbox is not counted"),
        }
    }
}
