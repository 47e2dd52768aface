//! Owns committing what an answer means: under the fence, again while the store is away, and
//! decided anew when somebody else was first.

use std::time::Duration;

use domain::change::Change;
use domain::decline::Decline;
use domain::id::SagaId;
use domain::payment::{PayStatus, Payment};
use domain::principal::Actor;
use domain::saga::{Absorbed, Kind, Outcome, Saga};
use domain::snapshot::Answer;
use tokio::time::{Instant, sleep};
use tracing::{error, info, warn};

use crate::Runner;
use crate::crash::crash_point;
use crate::outcome::Ended;
use crate::ports::store::CommitError;

/// The first pause before a commit is tried again while the store is away.
const RETRY_FIRST: Duration = Duration::from_millis(50);
/// The longest such pause.
const RETRY_MAX: Duration = Duration::from_secs(2);

/// What became of committing an answer.
pub(crate) enum Settled {
    /// The saga as committed, and its payment.
    Went(Box<Saga>, Box<Payment>),
    /// Another worker has moved the saga, or the store stays away.
    LetGo,
}

/// What is to be committed of a saga, and what it and its payment are then.
pub(crate) struct Ready {
    pub(crate) saga: Box<Saga>,
    pub(crate) payment: Box<Payment>,
    pub(crate) changes: Vec<Change>,
}

impl Runner {
    /// Commits what `answer` means, deciding again when somebody else was first.
    pub(crate) async fn settle(
        &self,
        saga: Saga,
        mut seen: Option<Box<Payment>>,
        answer: &Answer,
    ) -> Settled {
        let give_up = Instant::now().checked_add(self.parts.timings.commit_patience);
        let mut conflicts = 0_u32;
        let mut pause = RETRY_FIRST;
        loop {
            match self.settle_once(&saga, seen.take(), answer).await {
                Ok(Some((next, payment))) => return Settled::Went(next, payment),
                Ok(None) => return Settled::LetGo,
                Err(CommitError::Conflict) => {
                    conflicts = conflicts.saturating_add(1);
                    if conflicts >= self.parts.bounds.conflicts_max {
                        warn!("too many conflicts; left to recovery");
                        return Settled::LetGo;
                    }
                }
                Err(error @ (CommitError::InDoubt | CommitError::Store(_))) => {
                    if give_up.is_none_or(|end| Instant::now() >= end) {
                        warn!(%error, "store stays away; left to recovery");
                        return Settled::LetGo;
                    }
                    // The answer is kept here: only the commit is tried again, never the call.
                    self.holding(&saga, sleep(pause)).await;
                    pause = pause.saturating_mul(2).min(RETRY_MAX);
                }
            }
        }
    }

    /// One try: read the payment, absorb, commit. `None` when the fence says it is not ours.
    async fn settle_once(
        &self,
        saga: &Saga,
        seen: Option<Box<Payment>>,
        answer: &Answer,
    ) -> Result<Option<(Box<Saga>, Box<Payment>)>, CommitError> {
        let payment = match seen {
            Some(payment) => *payment,
            None => self.payment_of(saga).await?,
        };
        let spare = SagaId::new(self.parts.ids.draw());
        let ctx = self.ctx(spare, &saga.head.trace);
        let absorbed = saga.clone().absorb(&payment, answer, &ctx);
        let ready = self.ready(absorbed, payment).await?;
        match self.commit_ready(&ready).await {
            Ok(()) => Ok(Some((ready.saga, ready.payment))),
            Err(error) => match self.where_it_stands(&ready.saga).await? {
                Standing::Written => Ok(Some((ready.saga, ready.payment))),
                Standing::Ours => Err(error),
                Standing::Theirs => {
                    self.came_too_late(saga, answer).await?;
                    Ok(None)
                }
            },
        }
    }

    /// What `absorbed` says of a saga, of a payment that is `payment` before it, with what the
    /// saga's end brings with it. Decided anew in each try.
    ///
    /// # Errors
    /// The store is away.
    pub(crate) async fn ready(
        &self,
        absorbed: Absorbed,
        payment: Payment,
    ) -> Result<Ready, CommitError> {
        let Absorbed { saga, mut changes } = absorbed;
        let after = self.concluded(&saga, payment, &mut changes).await?;
        Ok(Ready {
            saga: Box::new(saga),
            payment: Box::new(after),
            changes,
        })
    }

    /// Commits it under the saga's fence, and logs what came of it.
    ///
    /// # Errors
    /// It is not written, or nobody knows.
    pub(crate) async fn commit_ready(&self, ready: &Ready) -> Result<(), CommitError> {
        self.commit_under_fence(&ready.saga, &ready.changes).await?;
        log_progress(&ready.saga, &ready.payment);
        Ok(())
    }

    /// Adds to `changes`, which leave `saga` as it is given, what its end brings with it; the
    /// payment then, which was `payment` before.
    async fn concluded(
        &self,
        saga: &Saga,
        payment: Payment,
        changes: &mut Vec<Change>,
    ) -> Result<Payment, CommitError> {
        let after = newest(changes).unwrap_or(payment);
        if saga.is_closed() {
            // By the cycle as it is then.
            changes.extend(self.followed(&after, Some(saga)).await?);
        }
        if let Some(ended) = Ended::of(saga, &after).filter(|_| saga.head.keyed) {
            let subscription = self.subscription_after(&after, changes).await?;
            changes.push(Change::FinishKey {
                saga: saga.head.id,
                outcome: ended.telling_of(subscription).to_bytes(),
            });
        }
        Ok(newest(changes).unwrap_or(after))
    }

    async fn commit_under_fence(&self, next: &Saga, changes: &[Change]) -> Result<(), CommitError> {
        if next.is_closed() {
            crash_point!(next.head.kind(), "before_closing_commit");
            self.parts.store.commit(changes).await?;
            crash_point!(next.head.kind(), "after_closing_commit");
        } else {
            crash_point!(next.head.kind(), "before_progress_commit");
            self.parts.store.commit(changes).await?;
            crash_point!(next.head.kind(), "after_progress_commit");
        }
        Ok(())
    }

    pub(crate) async fn payment_of(&self, saga: &Saga) -> Result<Payment, CommitError> {
        let found = self.parts.store.any_payment(saga.head.payment).await?;
        found.ok_or_else(|| {
            CommitError::Store(crate::ports::store::Error::Corrupt {
                table: "sagas",
                id: saga.head.id.to_string(),
                why: "its payment does not exist".to_owned(),
            })
        })
    }

    /// After a commit that failed or is in doubt: did `next` get written?
    async fn where_it_stands(&self, next: &Saga) -> Result<Standing, CommitError> {
        let found = self.parts.store.saga(next.head.id).await?;
        Ok(match found {
            Some(found) if found == *next => Standing::Written,
            Some(found) if found.version < next.version => Standing::Ours,
            Some(_) | None => Standing::Theirs,
        })
    }
}

/// What the store shows of a saga after a commit that was not answered with success.
enum Standing {
    /// Our commit is in.
    Written,
    /// Nobody has moved it.
    Ours,
    /// Somebody else has.
    Theirs,
}

/// The payment as the last of `changes` leaves it.
fn newest(changes: &[Change]) -> Option<Payment> {
    changes.iter().rev().find_map(|change| match change {
        Change::UpdatePayment { payment, .. } | Change::InsertPayment(payment) => {
            Some(payment.as_ref().clone())
        }
        Change::InsertMerchant(_)
        | Change::UpdateMerchant { .. }
        | Change::InsertApiKey(_)
        | Change::EndApiKey { .. }
        | Change::InsertGatewayAccount(_)
        | Change::PinMerchantId { .. }
        | Change::SetCredentials { .. }
        | Change::SetAccountStatus { .. }
        | Change::InsertDataKey(_)
        | Change::RewrapDataKey { .. }
        | Change::TurnSwitch(_)
        | Change::InsertGatewayOrder(_)
        | Change::InsertSaga { .. }
        | Change::UpdateSaga { .. }
        | Change::InsertEntry(_)
        | Change::AppendEvent(_)
        | Change::AppendMemberEvent(_)
        | Change::ReserveKey(_)
        | Change::FinishKey { .. }
        | Change::IssueKey(_)
        | Change::InsertChallenge(_)
        | Change::SpendChallenge { .. }
        | Change::Subscription(_)
        | Change::Feed(_)
        | Change::Webhook(_)
        | Change::Billing(_)
        | Change::Inbox(_)
        | Change::Settlement(_) => None,
    })
}

/// Why the gateway refused to close an account that nobody waits for any more, where it did. Who
/// cancels is told by the payment's events.
fn stays_open<'s>(saga: &'s Saga, payment: &Payment) -> Option<&'s Decline> {
    let waits = payment.status() == PayStatus::WaitingForDeposit;
    let closes = saga.head.kind() == Kind::AccountClose && saga.head.actor == Actor::System;
    match &saga.progress.outcome {
        Some(Outcome::Declined(decline)) if waits && closes => {
            Some(decline).filter(|decline| **decline != Decline::deposited())
        }
        Some(_) | None => None,
    }
}

fn log_progress(saga: &Saga, payment: &Payment) {
    let (asked, captured) = (payment.facts.tax_free, payment.captured_tax_free);
    if saga.is_closed() && !payment.captured.is_zero() && asked != captured {
        warn!(
            payment = %payment.facts.id,
            %asked,
            %captured,
            "the gateway counts another part as tax-free"
        );
    }
    if let Some(decline) = stays_open(saga, payment) {
        error!(
            payment = %payment.facts.id,
            code = decline.code,
            "the gateway does not close an account past its due date: close it there"
        );
    }
    info!(
        payment = %saga.head.payment,
        kind = %saga.head.kind(),
        phase = saga.progress.phase.as_str(),
        n = saga.progress.n,
        "saga progressed"
    );
}
