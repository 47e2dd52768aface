//! Owns driving a saga: perform its step through a port, commit what the answer means under the
//! fence, until it rests or has to wait longer than anybody is willing to.

use std::sync::Arc;
use std::time::Duration;

use domain::change::{Change, Hold};
use domain::event::Hash;
use domain::id::{SagaId, WorkerId};
use domain::payment::Payment;
use domain::saga::{Absorbed, Saga, Step};
use domain::snapshot::{Answer, Cause};
use domain::{Ctx, Timestamp};
use sha2::{Digest, Sha256};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

use crate::Parts;
use crate::accounts::Accounts;
use crate::crash::crash_point;
use crate::outcome::Ended;
use crate::ports::PaymentGateway;
use crate::ports::store::CommitError;
use crate::seal::seal;

/// The first pause before a commit is tried again while the store is away.
const RETRY_FIRST: Duration = Duration::from_millis(50);
/// The longest such pause.
const RETRY_MAX: Duration = Duration::from_secs(2);

/// Where driving a saga ended.
#[derive(Debug)]
pub enum Driven {
    /// It is over; with its payment as the closing commit left it.
    Closed {
        /// The saga.
        saga: Box<Saga>,
        /// The payment.
        payment: Box<Payment>,
        /// How long the gateway took of it.
        gateway_time: Duration,
    },
    /// It waits; recovery goes on when it is due.
    Waiting(Box<Saga>),
    /// Another worker has it, or the store is away; recovery goes on.
    LetGo,
}

/// Drives sagas for one worker.
pub struct Runner {
    pub(crate) parts: Arc<Parts>,
    pub(crate) accounts: Accounts,
    worker: WorkerId,
    /// Where money work runs; shutdown waits for it.
    pub tasks: TaskTracker,
    /// Set when the process is to end: finish the step at hand, start no further one.
    pub drain: CancellationToken,
}

/// What became of committing an answer.
enum Settled {
    /// The saga as committed, and its payment.
    Went(Box<Saga>, Box<Payment>),
    /// Another worker has moved the saga, or the store stays away.
    LetGo,
}

impl Runner {
    pub(crate) fn new(
        parts: Arc<Parts>,
        worker: WorkerId,
        tasks: TaskTracker,
        drain: CancellationToken,
    ) -> Self {
        Self {
            parts,
            accounts: Accounts::default(),
            worker,
            tasks,
            drain,
        }
    }

    /// This worker's hold on a saga.
    #[must_use]
    pub fn hold(&self) -> Hold {
        Hold {
            holder: self.worker,
            lease: self.parts.timings.lease,
        }
    }

    /// What a decision may know, dated now.
    pub(crate) fn ctx<'a>(&'a self, spare: SagaId, trace: &'a str) -> Ctx<'a> {
        Ctx {
            now: self.now(),
            spare,
            policy: &self.parts.policy,
            seal,
            trace,
        }
    }

    /// A trace id for work that no request asked for.
    pub(crate) fn fresh_trace(&self) -> String {
        let digest: [u8; 32] = Sha256::digest(self.parts.ids.draw().as_str()).into();
        Hash(digest).to_string().chars().take(32).collect()
    }

    fn now(&self) -> Timestamp {
        self.parts.clock.now()
    }

    /// Drives `saga`, which this worker holds, until it is over or would wait past `until`. The
    /// `payment` as last seen saves a read; a conflict tells when it was too old.
    pub async fn drive(&self, saga: Saga, payment: Option<Box<Payment>>, until: Instant) -> Driven {
        let Some(gateway) = self.parts.gateways.of(saga.head.account) else {
            warn!(saga = %saga.head.id, account = %saga.head.account, "no gateway is configured");
            return self.let_go(saga).await;
        };
        let mut saga = saga;
        let mut seen = payment;
        let mut gateway_time = Duration::ZERO;
        loop {
            let step = saga.next(self.now());
            if let Step::Wait(due) = step {
                if !self.wait(&saga, due, until).await {
                    return self.let_go(saga).await;
                }
                continue;
            }
            if self.drain.is_cancelled() && !matches!(step, Step::Rest) {
                return self.let_go(saga).await;
            }
            let begun = Instant::now();
            let answer = self.perform(gateway.as_ref(), &saga, &step).await;
            gateway_time = gateway_time.saturating_add(begun.elapsed());
            let answer = self.vouched(saga.head.account, answer).await;
            match self.settle(saga, seen.take(), &answer).await {
                Settled::LetGo => return Driven::LetGo,
                Settled::Went(saga, payment) if saga.is_closed() => {
                    if let Answer::Found(snapshot) = &answer {
                        self.pin(saga.head.account, snapshot).await;
                    }
                    return Driven::Closed {
                        saga,
                        payment,
                        gateway_time,
                    };
                }
                Settled::Went(next, payment) => {
                    saga = *next;
                    seen = Some(payment);
                }
            }
        }
    }

    /// Waits for `due`; `false` when that is past `until` or the process is to end.
    async fn wait(&self, saga: &Saga, due: Timestamp, until: Instant) -> bool {
        let pause = due
            .signed_duration_since(self.now())
            .to_std()
            .unwrap_or_default();
        let left = until.saturating_duration_since(Instant::now());
        if pause > left {
            return false;
        }
        tokio::select! {
            () = self.holding(saga, sleep(pause)) => true,
            () = self.drain.cancelled() => false,
        }
    }

    /// Gives the saga up early, so that recovery need not wait for the lease.
    async fn let_go(&self, saga: Saga) -> Driven {
        crash_point!(saga.head.kind, "before_release");
        let released = self
            .parts
            .store
            .release_hold(saga.head.id, saga.version, self.worker)
            .await;
        if let Err(error) = released {
            warn!(saga = %saga.head.id, %error, "hold not released; its lease will end it");
        }
        Driven::Waiting(Box::new(saga))
    }

    async fn perform(&self, gateway: &dyn PaymentGateway, saga: &Saga, step: &Step) -> Answer {
        match step {
            Step::Confirm(call) => {
                crash_point!(saga.head.kind, "before_call");
                let answer = self.holding(saga, gateway.confirm(call)).await;
                crash_point!(saga.head.kind, "after_call");
                answer
            }
            Step::Cancel(call) => {
                crash_point!(saga.head.kind, "before_call");
                let answer = self.holding(saga, gateway.cancel(call)).await;
                crash_point!(saga.head.kind, "after_call");
                answer
            }
            Step::AskByKey(key) => {
                crash_point!(saga.head.kind, "before_ask");
                let answer = self.holding(saga, gateway.payment_by_key(key)).await;
                crash_point!(saga.head.kind, "after_ask");
                answer
            }
            Step::AskByOrder(order) => {
                crash_point!(saga.head.kind, "before_ask");
                let answer = self.holding(saga, gateway.payment_by_order(order)).await;
                crash_point!(saga.head.kind, "after_ask");
                answer
            }
            // Neither is ever performed: `drive` handles the one, a closed saga is not driven.
            Step::Wait(_) | Step::Rest => Answer::Unknown(Cause::NotSent),
        }
    }

    /// Awaits `work` while prolonging the hold. The renewal runs between polls of `work`, never
    /// cancelled half way; a lost hold is only noted, because the fence decides.
    async fn holding<T>(&self, saga: &Saga, work: impl Future<Output = T>) -> T {
        let mut work = std::pin::pin!(work);
        loop {
            tokio::select! {
                biased;
                done = &mut work => return done,
                () = sleep(self.parts.timings.heartbeat) => {}
            }
            let renewed = self
                .parts
                .store
                .renew_hold(saga.head.id, saga.version, self.hold())
                .await;
            match renewed {
                Ok(true) => {}
                Ok(false) => warn!(saga = %saga.head.id, "hold lost while a call is out"),
                Err(error) => warn!(saga = %saga.head.id, %error, "hold not renewed"),
            }
        }
    }

    /// Commits what `answer` means, deciding again when somebody else was first.
    async fn settle(&self, saga: Saga, mut seen: Option<Box<Payment>>, answer: &Answer) -> Settled {
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
                        warn!(saga = %saga.head.id, "too many conflicts; left to recovery");
                        return Settled::LetGo;
                    }
                }
                Err(error @ (CommitError::InDoubt | CommitError::Store(_))) => {
                    if give_up.is_none_or(|end| Instant::now() >= end) {
                        warn!(saga = %saga.head.id, %error, "store stays away; left to recovery");
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
        let Absorbed {
            saga: next,
            mut changes,
        } = saga.clone().absorb(&payment, answer, &ctx);
        let after = newest(&changes).unwrap_or(payment);
        if let Some(ended) = Ended::of(&next, &after).filter(|_| next.head.keyed) {
            changes.push(Change::FinishKey {
                saga: next.head.id,
                outcome: ended.to_bytes(),
            });
        }
        let committed = self.commit_under_fence(&next, &changes).await;
        match committed {
            Ok(()) => {
                log_progress(&next);
                Ok(Some((Box::new(next), Box::new(after))))
            }
            Err(error) => match self.where_it_stands(&next).await? {
                Standing::Written => Ok(Some((Box::new(next), Box::new(after)))),
                Standing::Ours => Err(error),
                Standing::Theirs => Ok(None),
            },
        }
    }

    async fn commit_under_fence(&self, next: &Saga, changes: &[Change]) -> Result<(), CommitError> {
        if next.is_closed() {
            crash_point!(next.head.kind, "before_closing_commit");
            self.parts.store.commit(changes).await?;
            crash_point!(next.head.kind, "after_closing_commit");
        } else {
            crash_point!(next.head.kind, "before_progress_commit");
            self.parts.store.commit(changes).await?;
            crash_point!(next.head.kind, "after_progress_commit");
        }
        Ok(())
    }

    async fn payment_of(&self, saga: &Saga) -> Result<Payment, CommitError> {
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
        | Change::InsertApiKey(_)
        | Change::InsertGatewayAccount(_)
        | Change::PinMerchantId { .. }
        | Change::InsertGatewayOrder(_)
        | Change::InsertSaga { .. }
        | Change::UpdateSaga { .. }
        | Change::InsertEntry(_)
        | Change::AppendEvent(_)
        | Change::ReserveKey(_)
        | Change::FinishKey { .. }
        | Change::IssueKey(_) => None,
    })
}

fn log_progress(saga: &Saga) {
    info!(
        saga = %saga.head.id,
        payment = %saga.head.payment,
        kind = %saga.head.kind,
        phase = saga.progress.phase.as_str(),
        n = saga.progress.n,
        trace_id = %saga.head.trace,
        "saga progressed"
    );
}
