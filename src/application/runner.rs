//! Owns driving a saga: perform its step through a port, commit what the answer means under the
//! fence, until it rests or has to wait longer than anybody is willing to.

use std::sync::Arc;

use domain::change::Hold;
use domain::id::{SagaId, WorkerId};
use domain::payment::Payment;
use domain::saga::{Outcome, Saga, Step};
use domain::snapshot::{Answer, Cause};
use domain::trace::Trace;
use domain::{Ctx, Timestamp};
use sha2::{Digest, Sha256};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{Instrument as _, error_span, warn};

use crate::Parts;
use crate::accounts::Accounts;
use crate::crash::crash_point;
use crate::patience::Patience;
use crate::ports::{PaymentGateway, Store};
use crate::seal::seal;
use crate::settle::Settled;
use crate::trace::{self, Open, Side};
use crate::virtual_accounts::Told;

/// Where driving a saga ended.
#[derive(Debug)]
pub enum Driven {
    /// It is over; with its payment as the closing commit left it.
    Closed {
        /// The saga.
        saga: Box<Saga>,
        /// The payment.
        payment: Box<Payment>,
    },
    /// It waits; recovery goes on when it is due.
    Waiting(Box<Saga>),
    /// Another worker has it, or the store is away; recovery goes on.
    LetGo,
}

impl Driven {
    /// Its word in spans.
    const fn as_str(&self) -> &'static str {
        match self {
            Self::Closed { .. } => "closed",
            Self::Waiting(_) => "waiting",
            Self::LetGo => "let_go",
        }
    }
}

/// What every line says that is written while a saga is worked on.
pub(crate) fn lines_of(saga: &Saga, trace: &Trace) -> tracing::Span {
    error_span!(
        "saga",
        saga = %saga.head.id,
        trace_id = %trace.id(),
        span_id = trace.span().map(display),
    )
}

/// Drives sagas for one worker.
pub struct Runner {
    pub(crate) parts: Arc<Parts>,
    pub(crate) accounts: Accounts,
    /// Whose secrets never open, as they were told of.
    pub(crate) unopened: Told,
    worker: WorkerId,
    /// Where money work runs; shutdown waits for it.
    pub tasks: TaskTracker,
    /// Set when the process is to end: finish the step at hand, start no further one.
    pub drain: CancellationToken,
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
            unopened: Told::default(),
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
    pub(crate) fn ctx(&self, spare: SagaId, trace: &Trace) -> Ctx<'_> {
        Ctx {
            now: self.now(),
            spare,
            policy: &self.parts.policy,
            seal,
            trace: trace::current_of(trace),
        }
    }

    /// A trace for what no request asked for: the one that this task works in, else a new one.
    pub(crate) fn fresh_trace(&self) -> Trace {
        if let Some(trace) = trace::current().filter(|trace| *trace != Trace::NONE) {
            return trace;
        }
        let digest: [u8; 32] = Sha256::digest(self.parts.ids.draw().as_str()).into();
        let bits = digest.first_chunk().copied().unwrap_or_default();
        trace::decided(Trace::begun(u128::from_be_bytes(bits)))
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.parts.clock.now()
    }

    /// Drives `saga`, which this worker holds, until it is over or would wait past `patience`. The
    /// `payment` as last seen saves a read; a conflict tells when it was too old. Every line that
    /// is logged on the way carries the saga and its trace, whichever level is written.
    pub async fn drive(
        &self,
        saga: Saga,
        payment: Option<Box<Payment>>,
        patience: &Patience,
    ) -> Driven {
        let mut open = Open::under(trace::current_of(&saga.head.trace), "saga", Side::Within);
        open.word("payflow.saga.kind", saga.head.kind().as_str());
        open.shown("payflow.saga.id", &saga.head.id);
        open.shown("payflow.payment.id", &saga.head.payment);
        let trace = open.trace();
        let span = lines_of(&saga, &trace);
        // Boxed: whoever waits for it holds a pointer, and not all that a drive may hold.
        let driving = Box::pin(self.drive_on(saga, payment, patience)).instrument(span);
        let driven = trace::within(trace, driving).await;
        open.word("payflow.saga.end", driven.as_str());
        driven
    }

    async fn drive_on(
        &self,
        saga: Saga,
        payment: Option<Box<Payment>>,
        patience: &Patience,
    ) -> Driven {
        let Some(gateway) = self.parts.gateways.of(saga.head.account) else {
            warn!(account = %saga.head.account, "no gateway is configured");
            return self.let_go(saga).await;
        };
        // One key for the whole drive, and every later drive begins with a question: a call is
        // never repeated under another key of ours without having asked.
        let version = gateway.terms().credential_version;
        let mut saga = saga.under_credentials(version, self.now());
        let mut seen = payment;
        loop {
            let step = saga.next(self.now());
            if let Step::Wait(due) = step {
                if !self.wait(&saga, due, patience).await {
                    return self.let_go(saga).await;
                }
                continue;
            }
            if self.drain.is_cancelled() && !matches!(step, Step::Rest) {
                return self.let_go(saga).await;
            }
            let performed = self.perform(gateway.as_ref(), &saga, &step);
            let answer = patience.at_gateway(performed).await;
            let answer = self.vouched(&saga, version, answer).await;
            let answer = self.kept_close(&saga, answer).await;
            match self.settle(saga, seen.take(), &answer).await {
                Settled::LetGo => return Driven::LetGo,
                Settled::Went(saga, payment) if saga.is_closed() => {
                    if let (Some(Outcome::Approved | Outcome::Issued), Answer::Found(snapshot)) =
                        (&saga.progress.outcome, &answer)
                    {
                        self.pin(saga.head.account, snapshot).await;
                    }
                    return Driven::Closed { saga, payment };
                }
                Settled::Went(next, payment) => {
                    saga = *next;
                    seen = Some(payment);
                }
            }
        }
    }

    /// Waits for `due`; `false` when that is past `patience` or the process is to end.
    async fn wait(&self, saga: &Saga, due: Timestamp, patience: &Patience) -> bool {
        let pause = due
            .signed_duration_since(self.now())
            .to_std()
            .unwrap_or_default();
        let left = patience.until().saturating_duration_since(Instant::now());
        if pause > left {
            return false;
        }
        tokio::select! {
            () = patience.at_gateway(self.holding(saga, sleep(pause))) => true,
            () = self.drain.cancelled() => false,
        }
    }

    /// Gives the saga up early, so that recovery need not wait for the lease.
    async fn let_go(&self, saga: Saga) -> Driven {
        crash_point!(saga.head.kind(), "before_release");
        let released = self
            .parts
            .store
            .release_hold(saga.head.id, saga.version, self.worker)
            .await;
        if let Err(error) = released {
            warn!(%error, "hold not released; its lease will end it");
        }
        Driven::Waiting(Box::new(saga))
    }

    async fn perform(&self, gateway: &dyn PaymentGateway, saga: &Saga, step: &Step) -> Answer {
        match step {
            Step::Confirm(call) => {
                crash_point!(saga.head.kind(), "before_call");
                let answer = self.holding(saga, gateway.confirm(call)).await;
                crash_point!(saga.head.kind(), "after_call");
                answer
            }
            Step::Cancel(call) => {
                let to = match self.refund_account(saga, call).await {
                    Ok(to) => to,
                    Err(cause) => return Answer::Unknown(cause),
                };
                crash_point!(saga.head.kind(), "before_call");
                let called = match &to {
                    Some(to) => gateway.cancel_to(call, to),
                    None => gateway.cancel(call),
                };
                let answer = self.holding(saga, called).await;
                crash_point!(saga.head.kind(), "after_call");
                answer
            }
            Step::Charge(call) => {
                let with = match self.holding(saga, self.instrument(saga, call)).await {
                    Ok(with) => with,
                    Err(cause) => return Answer::Unknown(cause),
                };
                crash_point!(saga.head.kind(), "before_call");
                let answer = self.holding(saga, gateway.charge(call, &with)).await;
                crash_point!(saga.head.kind(), "after_call");
                answer
            }
            Step::IssueAccount(call) => {
                let with = match self.wish(saga, call).await {
                    Ok(with) => with,
                    Err(cause) => return Answer::Unknown(cause),
                };
                crash_point!(saga.head.kind(), "before_call");
                let answer = self.holding(saga, gateway.issue_account(call, &with)).await;
                crash_point!(saga.head.kind(), "after_call");
                answer
            }
            Step::AskByKey(key) => {
                crash_point!(saga.head.kind(), "before_ask");
                let answer = self.holding(saga, gateway.payment_by_key(key)).await;
                crash_point!(saga.head.kind(), "after_ask");
                answer
            }
            Step::AskByOrder(order) => {
                crash_point!(saga.head.kind(), "before_ask");
                let answer = self.holding(saga, gateway.payment_by_order(order)).await;
                crash_point!(saga.head.kind(), "after_ask");
                answer
            }
            // Neither is ever performed: `drive` handles the one, a closed saga is not driven.
            Step::Wait(_) | Step::Rest => Answer::Unknown(Cause::NotSent),
        }
    }

    /// Awaits `work` while prolonging the hold. A renewal runs on a task of its own: a store that
    /// stalls delays no answer, and an answer cuts no renewal short.
    pub(crate) async fn holding<T>(&self, saga: &Saga, work: impl Future<Output = T>) -> T {
        let mut work = std::pin::pin!(work);
        let mut renewal: Option<JoinHandle<()>> = None;
        loop {
            tokio::select! {
                biased;
                done = &mut work => return done,
                () = sleep(self.parts.timings.heartbeat) => {}
            }
            // A store that does not answer is not asked a second time meanwhile.
            if renewal.as_ref().is_none_or(JoinHandle::is_finished) {
                let (store, hold) = (Arc::clone(&self.parts.store), self.hold());
                let renewed = renew(store, saga.head.id, saga.version, hold);
                renewal = Some(self.tasks.spawn(renewed.in_current_span()));
            }
        }
    }
}

/// Prolongs a hold; a lost one is only noted, because the fence decides.
async fn renew(store: Arc<dyn Store>, saga: SagaId, version: i64, hold: Hold) {
    match store.renew_hold(saga, version, hold).await {
        Ok(true) => {}
        Ok(false) => warn!("hold lost while a call is out"),
        Err(error) => warn!(%error, "hold not renewed"),
    }
}
