//! Owns one look at a payment that the gateway's list shows: it is asked about, what that means is
//! decided and committed, and decided anew when somebody else was first.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use domain::change::{Change, GatewayOrder};
use domain::id::SagaId;
use domain::payment::{Known, Moved, Observed, Payment, Strange};
use domain::saga::Saga;
use domain::snapshot::{Answer, Cause, Snapshot};
use tracing::warn;

use super::sift::Sighting;
use super::{Unwatched, Watched};
use crate::App;
use crate::ports::Finding;
use crate::ports::store::{CommitError, Error};
use crate::upkeep::earlier;

/// How many alarms are remembered; the memory starts anew beyond it.
const ALARMS_MAX: usize = 10_000;

/// What this process has raised an alarm about: each once.
#[derive(Default)]
pub(crate) struct Alarmed(Mutex<HashSet<String>>);

impl Alarmed {
    pub(super) fn is_news(&self, alarm: String) -> bool {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= ALARMS_MAX {
            known.clear();
        }
        known.insert(alarm)
    }
}

/// What became of a look.
#[derive(Debug)]
pub(super) enum Looked {
    /// The books have it, or a person was told that they cannot.
    Settled,
    /// Not yet, and why.
    Later(&'static str),
}

/// What one try came to.
enum Tried {
    Looked(Looked),
    /// The payment moved meanwhile, or a commit is in doubt.
    Moved,
    /// What has to be shown twice.
    Surprised(Strange),
}

/// A payment and what else is known of it.
struct Subject {
    order: GatewayOrder,
    payment: Payment,
    sagas: Vec<Saga>,
}

impl App {
    /// Looks at a payment until what the gateway shows is booked, or cannot be.
    pub(super) async fn look(
        &self,
        watched: &Watched<'_>,
        sighting: &Sighting,
    ) -> Result<Looked, Unwatched> {
        // One answer may lie: what is strange is believed when it is shown twice running.
        let mut surprise = None;
        for _ in 0..self.parts.bounds.conflicts_max {
            match self.try_look(watched, sighting, surprise.as_ref()).await {
                Ok(Tried::Looked(looked)) => return Ok(looked),
                Ok(Tried::Moved) => {}
                Ok(Tried::Surprised(shown)) => surprise = Some(shown),
                Err(Unwatched::Store(corrupt @ Error::Corrupt { .. })) => {
                    self.alarm(watched, &sighting.key, &corrupt.to_string());
                    return Ok(Looked::Settled);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(Looked::Later("others are first, again and again"))
    }

    async fn try_look(
        &self,
        watched: &Watched<'_>,
        sighting: &Sighting,
        surprise: Option<&Strange>,
    ) -> Result<Tried, Unwatched> {
        // Read before the gateway is asked: whoever moves the payment from here on is noticed.
        let Some(subject) = self.subject(sighting).await? else {
            return Ok(Tried::Looked(Looked::Settled));
        };
        // Accounts with the same credentials read the same list; the other's watch sees it.
        if subject.payment.facts.account != watched.account.id {
            return Ok(Tried::Looked(Looked::Settled));
        }
        if subject.payment.is_worked_on(&sighting.key, &subject.sagas) {
            self.left_to_its_saga(watched, sighting, &subject).await?;
            return Ok(Tried::Looked(Looked::Later("its saga is open")));
        }
        let asked = watched.gateway.payment_by_key(&sighting.key);
        let snapshot = match self.unless_stopping(asked).await? {
            Answer::Found(snapshot) if snapshot.payment_key == sighting.key => snapshot,
            Answer::Found(_) => {
                let why = Strange::Order;
                return Ok(self.strange(watched, sighting, why, surprise));
            }
            Answer::Unknown(Cause::NotSent) => return Err(Unwatched::Unasked),
            Answer::Declined(_) | Answer::NotFound | Answer::Unknown(_) => {
                return Ok(Tried::Looked(Looked::Later("the gateway does not show it")));
            }
        };
        let trace = self.runner.fresh_trace();
        let ctx = self.runner.ctx(SagaId::new(self.draw()), &trace);
        let known = Known {
            order: &subject.order,
            sagas: &subject.sagas,
            merchant_id: watched.account.merchant_id.as_deref(),
            surprise: surprise.and_then(Strange::amount),
        };
        match subject.payment.clone().observe(&snapshot, &known, &ctx) {
            // What moved by the list, the payment has to show sooner or later.
            Observed::Nothing if sighting.certain => {
                Ok(Tried::Looked(Looked::Later("the payment does not show it")))
            }
            Observed::Nothing => Ok(Tried::Looked(Looked::Settled)),
            Observed::Later => Ok(Tried::Looked(Looked::Later("a cancellation is not final"))),
            Observed::Booked(moved) => self.book(watched, &snapshot, &moved).await,
            Observed::Strange(why) => {
                let id = subject.payment.facts.id;
                let now = self.parts.store.any_payment(id).await?;
                if now.is_some_and(|now| now.version != subject.payment.version) {
                    return Ok(Tried::Moved);
                }
                Ok(self.strange(watched, sighting, why, surprise))
            }
        }
    }

    /// None for an order that only looks like one of ours: another installation may use the
    /// same account at the gateway.
    async fn subject(&self, sighting: &Sighting) -> Result<Option<Subject>, Error> {
        let store = &self.parts.store;
        let Some(order) = store.gateway_order(sighting.order).await? else {
            return Ok(None);
        };
        let Some(payment) = store.any_payment(order.payment).await? else {
            return Ok(None);
        };
        let sagas = store.sagas_of(payment.facts.id).await?;
        Ok(Some(Subject {
            order,
            payment,
            sagas,
        }))
    }

    /// A saga books what it sees. It is hastened, unless what moved is so young that its call
    /// may not even be answered.
    async fn left_to_its_saga(
        &self,
        watched: &Watched<'_>,
        sighting: &Sighting,
        subject: &Subject,
    ) -> Result<(), Error> {
        if sighting.last <= earlier(watched.now, self.parts.policy.call_bound) {
            self.hasten(subject.payment.facts.id).await?;
        }
        Ok(())
    }

    fn strange(
        &self,
        watched: &Watched<'_>,
        sighting: &Sighting,
        why: Strange,
        before: Option<&Strange>,
    ) -> Tried {
        if before != Some(&why) {
            return Tried::Surprised(why);
        }
        self.alarm(watched, &sighting.key, &why.to_string());
        Tried::Looked(Looked::Settled)
    }

    async fn book(
        &self,
        watched: &Watched<'_>,
        snapshot: &Snapshot,
        moved: &Moved,
    ) -> Result<Tried, Unwatched> {
        let store = &self.parts.store;
        match store.commit(&moved.changes).await {
            Ok(()) => {
                self.tell(moved);
                Ok(Tried::Looked(Looked::Settled))
            }
            Err(CommitError::Conflict | CommitError::InDoubt) => Ok(Tried::Moved),
            Err(CommitError::Store(away @ Error::Unavailable(_))) => Err(away.into()),
            Err(CommitError::Store(error)) => {
                self.alarm(watched, &snapshot.payment_key, &error.to_string());
                Ok(Tried::Looked(Looked::Settled))
            }
        }
    }

    /// Counts and logs what the books have now.
    fn tell(&self, moved: &Moved) {
        for change in &moved.changes {
            if let Change::InsertEntry(entry) = change {
                warn!(
                    payment = %entry.payment,
                    payment_key = %entry.payment_key,
                    movement = %entry.movement,
                    amount = entry.amount.minor(),
                    saga = entry.saga.map(tracing::field::display),
                    "moved at the gateway without our books; booked"
                );
                self.parts.tally.found(Finding::Booked);
            }
            // The reversal of a wrong capture need not wait.
            if let Change::InsertSaga { .. } = change {
                self.wake.notify_one();
            }
        }
    }
}
