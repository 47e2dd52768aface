//! Owns the looks at what was hinted at: one question at most, by what our books know of the
//! payment, within the merchant's budget; the watch's hands apply the answer.

use std::sync::Arc;
use std::time::Duration;

use domain::Timestamp;
use domain::change::Change;
use domain::id::{GatewayAccountId, GatewayOrderId};
use domain::inbox::{self, Hint};
use domain::payment::Payment;
use domain::snapshot::{Answer, Cause};
use domain::text::PaymentKey;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tracing::{Instrument as _, debug, error_span, warn};

use super::subject::{Subject, subjects_of};
use crate::App;
use crate::crash::crash_point;
use crate::ports::Looked;
use crate::ports::gateway::Glance;
use crate::ports::limiter::Bucket;
use crate::ports::store::{self, CommitError, Sighting};
use crate::watch::{Glimpse, Unwatched, Watched};

/// The pauses before a look that came to nothing is repeated; the last one again and again.
const PAUSES: [Duration; 5] = [
    Duration::from_secs(2),
    Duration::from_secs(5),
    Duration::from_secs(15),
    Duration::from_mins(1),
    Duration::from_mins(5),
];
/// How long an account is left alone whose gateway cannot be asked now.
const PEACE: Duration = Duration::from_secs(5);
/// How long a look takes a place from those of other accounts; after that only from its own
/// account's. A gateway that does not answer holds up nobody else's looks.
const BRISK: Duration = Duration::from_secs(1);
/// How long a look may take; the gateway's own timeouts are shorter.
const LOOK_MAX: Duration = Duration::from_mins(2);

/// What a look came to.
enum Seen {
    /// Nothing is left to be asked.
    Settled(Looked),
    /// This one is settled, and there are more.
    Halfway(Looked),
    /// To be looked at again, a little later each time.
    Later(Looked),
    /// It was not looked at, and waits as before; its account is left alone for so long.
    Untouched(Looked, Duration),
}

/// A place among those of an account; left when it is dropped.
struct Seat {
    app: Arc<App>,
    account: GatewayAccountId,
}

impl Seat {
    fn of(app: &Arc<App>, account: GatewayAccountId) -> Self {
        app.desk.sit(account, true);
        Self {
            app: Arc::clone(app),
            account,
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.app.desk.sit(self.account, false);
    }
}

impl App {
    /// One pass over hints that are due: each is looked at on a task of its own, as far as there
    /// are places. The tasks, for who wants to wait.
    ///
    /// # Errors
    /// The store is away.
    pub async fn look_at_hints(self: &Arc<Self>) -> Result<Vec<JoinHandle<()>>, store::Error> {
        let mut begun = Vec::new();
        let hold = domain::change::Hold {
            lease: self.parts.intake.terms.lease,
            ..self.runner.hold()
        };
        while !self.runner.drain.is_cancelled() {
            // Taken only with a place at hand: no lease runs out in a queue behind slow ones.
            let Ok(place) = Arc::clone(&self.desk.places).try_acquire_owned() else {
                break;
            };
            let now = self.parts.post.clock.now();
            let inbox = self.parts.store.inbox();
            let claimed = inbox.claim_hint(now, hold, &self.desk.closed()).await?;
            let Some(hint) = claimed else { break };
            crash_point!("hint.after_claim");
            let seat = Seat::of(self, hint.account);
            let app = Arc::clone(self);
            let span = error_span!("hint", payment = %hint.payment);
            let look = async move {
                let mut look = Box::pin(app.look_into(hint));
                let is_over = timeout(BRISK, &mut look).await.is_ok();
                drop(place);
                if !is_over {
                    app.desk.freed.notify_one();
                    look.await;
                }
                drop(seat);
                app.desk.freed.notify_one();
            };
            begun.push(self.runner.tasks.spawn(look.instrument(span)));
        }
        Ok(begun)
    }

    async fn look_into(&self, hint: Hint) {
        let seen = match timeout(LOOK_MAX, self.seen(&hint)).await {
            Ok(Ok(seen)) => seen,
            Ok(Err(Unwatched::Stopping)) => Seen::Untouched(Looked::Unanswered, Duration::ZERO),
            Ok(Err(error)) => {
                warn!(%error, "a hint is not looked at to the end");
                Seen::Later(Looked::Unanswered)
            }
            Err(_) => Seen::Later(Looked::Unanswered),
        };
        let now = self.parts.post.clock.now();
        let expected = hint.version;
        let (next, looked) = match seen {
            Seen::Settled(looked) => (hint.settled(), looked),
            Seen::Halfway(looked) => {
                let gap = self.parts.timings.question_gap;
                (hint.halfway(now, gap), looked)
            }
            Seen::Later(looked) => (hint.later(now, &PAUSES), looked),
            Seen::Untouched(looked, peace) => {
                self.desk.hush(hint.account, peace);
                let due_at = hint.due_at.unwrap_or(now);
                (hint.put_back(due_at), looked)
            }
        };
        self.parts.tally.looked(looked);
        debug!(?looked, "a hint was looked at");
        let hint = Box::new(next);
        let change = inbox::Change::UpdateHint { hint, expected };
        crash_point!("hint.before_commit");
        match self
            .parts
            .store
            .commit(&[Change::Inbox(Box::new(change))])
            .await
        {
            Ok(()) => {}
            Err(CommitError::Conflict) => debug!("hinted at again meanwhile"),
            // Whoever takes it when the lease is over sees for themselves.
            Err(error) => warn!(%error, "what a look came to is not kept"),
        }
        crash_point!("hint.after_commit");
    }

    async fn seen(&self, hint: &Hint) -> Result<Seen, Unwatched> {
        let store = &self.parts.store;
        let account = store.gateway_account(hint.account).await?;
        let gateway = self.parts.gateways.of(hint.account);
        let (Some(account), Some(gateway)) = (account, gateway) else {
            return Ok(Seen::Untouched(Looked::Unanswered, PEACE));
        };
        let Some(payment) = store.any_payment(hint.payment).await? else {
            return Ok(Seen::Settled(Looked::Settled));
        };
        let sagas = store.sagas_of(hint.payment).await?;
        if self.is_in_books(&payment, &sagas, &hint.claim).await? {
            return Ok(Seen::Settled(Looked::Known));
        }
        // Whatever follows may cost the gateway a question.
        let budget = Bucket::Hints(payment.facts.scope);
        let questions = self.parts.intake.terms.questions;
        if let Err(limited) = self.takes(budget, questions).await {
            return Ok(Seen::Untouched(Looked::OverBudget, limited.retry_after));
        }
        let watched = Watched {
            account: &account,
            gateway: gateway.as_ref(),
            now: self.parts.clock.now(),
            is_hinted: true,
        };
        let orders = store.gateway_orders(hint.payment).await?;
        let subjects = subjects_of(&payment, &sagas, &orders);
        let next = hint.place_in(subjects.len());
        let Some(subject) = next.and_then(|place| subjects.get(place)) else {
            return Ok(Seen::Settled(Looked::Settled));
        };
        if subject.is_worked_on(&payment, &sagas) {
            self.hasten(hint.payment).await?;
            return Ok(Seen::Later(Looked::Hastened));
        }
        let seen = match subject {
            Subject::Key(key, order) => {
                let sighting = sighting(hint, &watched, key, *order);
                self.seen_by_key(&watched, sighting, &payment).await?
            }
            Subject::Order(order) => self.seen_by_order(hint, *order, &watched).await?,
        };
        Ok(match seen {
            Seen::Settled(looked) if !hint.is_last_of(subjects.len()) => Seen::Halfway(looked),
            Seen::Settled(_) | Seen::Halfway(_) | Seen::Later(_) | Seen::Untouched(..) => seen,
        })
    }

    async fn seen_by_key(
        &self,
        watched: &Watched<'_>,
        sighting: Sighting,
        payment: &Payment,
    ) -> Result<Seen, Unwatched> {
        Ok(match self.glimpse(watched, &sighting).await? {
            Glimpse::Settled => Seen::Settled(Looked::Settled),
            Glimpse::Absent if !is_paid_by(payment, &sighting.key) => {
                Seen::Settled(Looked::Settled)
            }
            Glimpse::Later => Seen::Later(Looked::Unanswered),
            Glimpse::Unanswered(cause) => unanswered(&cause),
            Glimpse::Absent | Glimpse::Strange => {
                self.parts.store.sight(&[sighting]).await?;
                Seen::Settled(Looked::Strange)
            }
        })
    }

    /// An order that nobody tried to approve has no key that we know. Money that is there all the
    /// same is the watch's to judge, by the key that the gateway names.
    async fn seen_by_order(
        &self,
        hint: &Hint,
        order: GatewayOrderId,
        watched: &Watched<'_>,
    ) -> Result<Seen, Unwatched> {
        let asked = watched.gateway.glance(Glance::Order(&order));
        Ok(match self.unless_stopping(asked).await? {
            Answer::Found(found) if found.is_captured() => {
                let sighting = sighting(hint, watched, &found.payment_key, order);
                self.parts.store.sight(&[sighting]).await?;
                Seen::Settled(Looked::Strange)
            }
            Answer::Found(_) | Answer::NotFound | Answer::Declined(_) => {
                Seen::Settled(Looked::Settled)
            }
            Answer::Unknown(cause) => unanswered(&cause),
        })
    }
}

fn is_paid_by(payment: &Payment, key: &PaymentKey) -> bool {
    let paid = payment.paid.as_ref();
    paid.is_some_and(|paid| paid.payment_key == *key)
}

fn sighting(
    hint: &Hint,
    watched: &Watched<'_>,
    key: &PaymentKey,
    order: GatewayOrderId,
) -> Sighting {
    Sighting {
        account: hint.account,
        key: key.clone(),
        order,
        first_seen_at: watched.now,
        moved_at: None::<Timestamp>,
        looks: 0,
        verdict: None,
        reported: false,
    }
}

/// A gateway that cannot be asked now is left alone, and nobody's turn is used up by that.
fn unanswered(cause: &Cause) -> Seen {
    match cause {
        Cause::Busy {
            retry_after_seconds: Some(seconds),
        } => Seen::Untouched(
            Looked::Unanswered,
            Duration::from_secs(u64::from(*seconds)).max(PEACE),
        ),
        Cause::NotSent
        | Cause::Busy {
            retry_after_seconds: None,
        }
        | Cause::Configuration(_) => Seen::Untouched(Looked::Unanswered, PEACE),
        Cause::Lost
        | Cause::Temporary(_)
        | Cause::Conflict(_)
        | Cause::SessionGone
        | Cause::Refused(_)
        | Cause::Unreadable(_) => Seen::Later(Looked::Unanswered),
        // There is nobody to ask, now or ever.
        Cause::Mute => Seen::Settled(Looked::Unanswered),
    }
}
