//! Owns the looks at what the gateway's list showed: the payment is asked about, what that means is
//! decided and committed, and decided anew when somebody else was first.

use std::time::Duration;

use domain::change::{Change, GatewayOrder};
use domain::event::Kind as EventKind;
use domain::id::SagaId;
use domain::ledger::Entry;
use domain::payment::{Known, Moved, Observed, Payment, Strange};
use domain::saga::Saga;
use domain::snapshot::{Answer, Cause, Snapshot};
use tracing::{debug, error, info, warn};

use super::{LEASE, Unwatched, Watched};
use crate::App;
use crate::ports::Finding;
use crate::ports::store::{CommitError, Error, Sighting};

/// The pauses before the next look; the last one again and again.
const PAUSES: [Duration; 4] = [
    Duration::from_mins(1),
    Duration::from_mins(5),
    Duration::from_mins(30),
    Duration::from_hours(1),
];

fn pause_after(looks: i64) -> Duration {
    let [first, .., last] = PAUSES;
    let place = looks.checked_sub(1).and_then(|n| usize::try_from(n).ok());
    place.map_or(first, |n| PAUSES.get(n).copied().unwrap_or(last))
}

/// What a single look comes to that a stranger caused.
#[derive(Debug)]
pub(crate) enum Glimpse {
    /// The books have all that is shown.
    Settled,
    /// Not yet: somebody is at work there.
    Later,
    /// The gateway does not know the payment key.
    Absent,
    /// No answer that says anything of the payment.
    Unanswered(Cause),
    /// It cannot be booked as this answer has it.
    Strange,
}

/// What became of a look.
#[derive(Debug)]
enum Looked {
    /// The books have it.
    Settled,
    /// The gateway does not know the payment.
    Absent,
    /// Not yet, and why.
    Later(&'static str),
    /// No answer that says anything of the payment.
    Unanswered(Cause),
    /// It cannot be booked as this answer has it.
    Strange(String),
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
    booked: Vec<Entry>,
}

impl App {
    /// Looks at the account's sightings that are due, the longest due first.
    pub(super) async fn look_at_due(&self, watched: &Watched<'_>) -> Result<(), Unwatched> {
        let store = &self.parts.store;
        for _ in 0..self.parts.bounds.pass_rows {
            let account = watched.account.id;
            let Some(sighting) = store.claim_sighting(account, LEASE).await? else {
                return Ok(());
            };
            match self.look(watched, &sighting).await? {
                Looked::Settled => {
                    if sighting.reported {
                        info!(payment_key = %sighting.key, "what was strange is settled");
                    }
                    store.settle_sighting(&sighting).await?;
                }
                Looked::Later(why) => {
                    debug!(payment_key = %sighting.key, why, "looked at again later");
                    let mut later = sighting;
                    later.verdict = None;
                    let pause = pause_after(later.looks);
                    store.keep_sighting(&later, pause).await?;
                }
                Looked::Unanswered(cause) => {
                    store.keep_sighting(&sighting, pause_after(1)).await?;
                    if !matches!(cause, Cause::Lost | Cause::Temporary(_)) {
                        return Err(Unwatched::Unasked(cause));
                    }
                }
                Looked::Absent => {
                    let why = "the gateway does not know the payment";
                    self.judge(sighting, why).await?;
                }
                Looked::Strange(why) => self.judge(sighting, &why).await?,
            }
        }
        Ok(())
    }

    /// One answer may lie: a person is told of what two answers running say, once.
    async fn judge(&self, mut sighting: Sighting, why: &str) -> Result<(), Error> {
        let why = why.replace('\0', "\u{fffd}");
        let is_news = !sighting.reported && sighting.verdict.as_ref() == Some(&why);
        sighting.reported |= is_news;
        sighting.verdict = Some(why);
        let pause = pause_after(sighting.looks);
        let kept = self.parts.store.keep_sighting(&sighting, pause).await?;
        if kept && is_news {
            error!(
                payment_key = %sighting.key,
                order = %sighting.order,
                why = sighting.verdict,
                "money at the gateway that is not booked: look into it"
            );
            self.parts.tally.found(Finding::Strange);
        }
        Ok(())
    }

    /// Looks at a payment until what the gateway shows is booked, or cannot be.
    async fn look(&self, watched: &Watched<'_>, sighting: &Sighting) -> Result<Looked, Unwatched> {
        let mut surprise = None;
        for _ in 0..self.parts.bounds.conflicts_max {
            match self.try_look(watched, sighting, surprise.as_ref()).await {
                Ok(Tried::Looked(looked)) => return Ok(looked),
                Ok(Tried::Moved) => {}
                Ok(Tried::Surprised(shown)) => surprise = Some(shown),
                Err(Unwatched::Store(corrupt @ Error::Corrupt { .. })) => {
                    return Ok(Looked::Strange(corrupt.to_string()));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(Looked::Later("others are first, again and again"))
    }

    /// One look, with one question at most; what it cannot settle is the watch's.
    pub(crate) async fn glimpse(
        &self,
        watched: &Watched<'_>,
        sighting: &Sighting,
    ) -> Result<Glimpse, Unwatched> {
        Ok(match self.try_look(watched, sighting, None).await {
            Ok(Tried::Looked(Looked::Settled)) => Glimpse::Settled,
            Ok(Tried::Looked(Looked::Later(_)) | Tried::Moved) => Glimpse::Later,
            Ok(Tried::Looked(Looked::Absent)) => Glimpse::Absent,
            Ok(Tried::Looked(Looked::Unanswered(cause))) => Glimpse::Unanswered(cause),
            Ok(Tried::Looked(Looked::Strange(_)) | Tried::Surprised(_))
            | Err(Unwatched::Store(Error::Corrupt { .. })) => Glimpse::Strange,
            Err(error) => return Err(error),
        })
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
        // Only the account's own orders are kept as sightings, and no payment changes its account.
        if subject.payment.facts.account != watched.account.id {
            return Ok(strange(&Strange::Order));
        }
        if subject.payment.is_worked_on(&sighting.key, &subject.sagas) {
            self.hasten(subject.payment.facts.id).await?;
            return Ok(Tried::Looked(Looked::Later("its saga is open")));
        }
        let asked = watched.asked(&sighting.key);
        let snapshot = match snapshot_in(self.unless_stopping(asked).await?) {
            Ok(snapshot) if snapshot.payment_key == sighting.key => snapshot,
            Ok(_) => return Ok(strange(&Strange::Order)),
            Err(looked) => return Ok(Tried::Looked(looked)),
        };
        let trace = self.runner.fresh_trace();
        let ctx = self.runner.ctx(SagaId::new(self.draw()), &trace);
        let known = Known {
            order: &subject.order,
            sagas: &subject.sagas,
            booked: &subject.booked,
            merchant_id: watched.account.merchant_id.as_deref(),
            surprise: surprise.and_then(Strange::amount),
        };
        match subject.payment.clone().observe(&snapshot, &known, &ctx) {
            // An account says by itself when it is looked at again.
            Observed::Nothing | Observed::Noted(None) => Ok(Tried::Looked(Looked::Settled)),
            Observed::Later => Ok(Tried::Looked(Looked::Later("a cancellation is not final"))),
            Observed::Booked(moved) | Observed::Noted(Some(moved)) => self.book(&moved).await,
            Observed::Disputed(moved, why) => match self.book(&moved).await? {
                Tried::Looked(Looked::Settled) => Ok(strange(&why)),
                tried @ (Tried::Looked(_) | Tried::Moved | Tried::Surprised(_)) => Ok(tried),
            },
            // An amount that is shown twice running is believed.
            Observed::Strange(why) if why.amount().is_some() && surprise != Some(&why) => {
                Ok(Tried::Surprised(why))
            }
            Observed::Strange(why) => {
                let id = subject.payment.facts.id;
                let now = self.parts.store.any_payment(id).await?;
                if now.is_some_and(|now| now.version != subject.payment.version) {
                    return Ok(Tried::Moved);
                }
                Ok(strange(&why))
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
        let booked = match payment.account {
            Some(_) => store.entries(payment.facts.id).await?,
            None => Vec::new(),
        };
        Ok(Some(Subject {
            order,
            payment,
            sagas,
            booked,
        }))
    }

    async fn book(&self, moved: &Moved) -> Result<Tried, Unwatched> {
        let mut changes = moved.changes.clone();
        changes.extend(self.runner.followed(&moved.payment, None).await?);
        match self.parts.store.commit(&changes).await {
            Ok(()) => {
                self.tell(moved);
                Ok(Tried::Looked(Looked::Settled))
            }
            Err(CommitError::Conflict | CommitError::InDoubt) => Ok(Tried::Moved),
            Err(CommitError::Store(away @ Error::Unavailable(_))) => Err(away.into()),
            Err(CommitError::Store(error)) => Ok(Tried::Looked(Looked::Strange(error.to_string()))),
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
            if let Change::AppendEvent(event) = change
                && event.kind == EventKind::RefundFailed
            {
                let payment = event.payment;
                error!(%payment, "what was given back did not reach the buyer: look into it");
                self.parts.tally.found(Finding::RefundFailed);
            }
            // The reversal of a wrong capture need not wait.
            if let Change::InsertSaga { .. } = change {
                self.wake.notify_one();
            }
        }
    }
}

fn strange(why: &Strange) -> Tried {
    Tried::Looked(Looked::Strange(why.to_string()))
}

/// What the gateway shows, or what its answer means for the sighting.
fn snapshot_in(answer: Answer) -> Result<Box<Snapshot>, Looked> {
    Err(match answer {
        Answer::Found(snapshot) => return Ok(snapshot),
        Answer::NotFound => Looked::Absent,
        Answer::Declined(decline) => Looked::Strange(format!("refused: {decline:?}")),
        Answer::Unknown(cause) => match cause {
            Cause::NotSent
            | Cause::Lost
            | Cause::Busy { .. }
            | Cause::Temporary(_)
            | Cause::Configuration(_) => Looked::Unanswered(cause),
            Cause::Conflict(_)
            | Cause::SessionGone
            | Cause::Refused(_)
            | Cause::Unreadable(_)
            | Cause::Mute => Looked::Strange(format!("no answer about it: {cause:?}")),
        },
    })
}
