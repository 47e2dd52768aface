//! Payflow's use cases, the saga runner and the ports they speak through.
//!
//! `grep "pub async fn" src/application` lists what the system can do. Every use case reads,
//! decides with pure domain code and commits; only the runner calls a gateway.

mod access;
mod accounts;
mod billing;
mod charged;
pub mod consumers;
pub mod crash;
mod cycles;
pub mod events;
mod expiry;
mod flight;
mod idempotency;
pub mod inbox;
mod keyring;
pub mod memory;
pub mod outcome;
mod patience;
mod payments;
mod plans;
pub mod ports;
mod recovery;
pub mod relay;
mod runner;
pub mod seal;
mod settle;
mod settlements;
mod step_up;
pub mod subscriptions;
mod switches;
mod tenancy;
pub mod trace;
mod upkeep;
pub mod view;
mod virtual_accounts;
mod watch;
pub mod webhooks;

use std::sync::Arc;
use std::time::Duration;

use domain::id::{ApiKeyId, RawId, WorkerId};
use domain::principal::{Actor, Owner, Scope};
use domain::saga::Policy;
use domain::text::MemberId;
use domain::trace::Trace;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use ports::identity::Issuer;

pub use access::{AccessError, Credential, hash_of_key};
pub use billing::{Charge, ChargeError, ChargePace, Opened, Register, WalletError};
pub use cycles::{Charged, Charges, CyclePass, Cycles, DueCycle, OutcomeError, Told, counted_by};
pub use events::{Bell, Seating};
pub use idempotency::{KeyError, Keyed};
pub use keyring::{KeyPair, Keyring, KeyringError, Seeded};
pub use outcome::{Ended, Outcome};
pub use payments::{
    ActError, Answered, Approve, ApproveError, Cancel, CancelError, Opening, Page, Prepare,
    PrepareError, ReadError,
};
pub use plans::{Loaded, PLANS_MAX, Plans, PlansError, WantedPlan};
pub use ports::{Clock, Gateways, Ids, Repeats, Store, Tally, TokenVerifier};
pub use recovery::Pass;
pub use runner::{Driven, Runner};
pub use settlements::{AcknowledgeError, Acknowledged, Desk, SettleError, Settled, Subject};
pub use step_up::{ChallengeError, Evidence, Misfit, ProofError, StepUp};
pub use switches::{IsPaused, Reason, Standing, SwitchError, turn};
pub use tenancy::{ApiKeyError, LastKey, NewKey, Rotated, Tenancy, TenancyError};
pub use upkeep::{Upkeep, stuck_since};
pub use view::PaymentView;
pub use virtual_accounts::{AskAccount, Due, KeptSecrets};

/// Timings of the use cases and the runner; all of them settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timings {
    /// How long a request waits for its saga before it is answered 202.
    pub patience: Duration,
    /// How long a worker holds a saga without a sign of life.
    pub lease: Duration,
    /// How often it gives one; well below the lease.
    pub heartbeat: Duration,
    /// How long a known answer is tried to be committed while the store is away.
    pub commit_patience: Duration,
    /// How often recovery looks for sagas that are due.
    pub recovery_every: Duration,
    /// How often unpaid payments are looked for.
    pub expiry_every: Duration,
    /// How often stuck sagas and old idempotency keys are looked for.
    pub upkeep_every: Duration,
    /// How often cycles that are due are looked for.
    pub cycles_every: Duration,
    /// How long a cycle is held by whoever took it; half of it is waited for its merchant's pace.
    pub cycle_lease: Duration,
    /// How often a gateway's list is read for movements that the books lack; never where zero.
    pub watch_every: Duration,
    /// How far back behind what was read it is read again: the list may lag, and clocks differ.
    pub watch_overlap: Duration,
    /// How old a movement is before it is asked about: until then, whoever moved it books it.
    pub watch_grace: Duration,
    /// A saga that is open for longer is stuck.
    pub stuck_after: Duration,
    /// How often the safety switches are looked at.
    pub switches_every: Duration,
    /// At most one hastened question per payment in this time.
    pub question_gap: Duration,
    /// How long a payment can be paid, where the merchant does not say.
    pub payment_lifetime: Duration,
    /// How long a key and its merchant are believed without asking the store; a suspended one is
    /// refused after it.
    pub access_believed: Duration,
    /// How long an issued idempotency key waits for its first use.
    pub issued_key_lifetime: Duration,
    /// How long an idempotency key is kept after its first use.
    pub key_lifetime: Duration,
    /// How long a job that only one does is held without a sign of life.
    pub job_lease: Duration,
    /// How often the feed is looked at for what other processes did.
    pub feed_poll: Duration,
    /// The longest pause before somebody who cannot be told of events is tried again.
    pub sink_pause_max: Duration,
    /// How long a payment is followed at once.
    pub follow_max: Duration,
}

impl Default for Timings {
    fn default() -> Self {
        Self {
            patience: Duration::from_secs(8),
            lease: Duration::from_secs(15),
            heartbeat: Duration::from_secs(5),
            commit_patience: Duration::from_secs(30),
            recovery_every: Duration::from_secs(1),
            expiry_every: Duration::from_secs(10),
            upkeep_every: Duration::from_secs(30),
            cycles_every: Duration::from_secs(1),
            cycle_lease: Duration::from_mins(1),
            watch_every: Duration::from_mins(1),
            watch_overlap: Duration::from_mins(10),
            watch_grace: Duration::from_secs(75),
            stuck_after: Duration::from_mins(10),
            switches_every: Duration::from_secs(5),
            question_gap: Duration::from_secs(2),
            payment_lifetime: Duration::from_hours(1),
            access_believed: Duration::from_secs(5),
            issued_key_lifetime: Duration::from_hours(24),
            key_lifetime: Duration::from_hours(15 * 24),
            job_lease: Duration::from_secs(6),
            feed_poll: Duration::from_millis(50),
            sink_pause_max: Duration::from_secs(30),
            follow_max: Duration::from_mins(5),
        }
    }
}

/// Bounds of the use cases.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// How often a decision is taken again after a conflict.
    pub conflicts_max: u32,
    /// How many recovered sagas are driven at once.
    pub recovered_at_once: usize,
    /// How many rows one pass of recovery, expiry or upkeep takes.
    pub pass_rows: u32,
    /// How many lines of a gateway's list are read at once.
    pub watch_rows: u32,
    /// How many events are taken from the feed at once.
    pub feed_rows: u32,
    /// How many billing keys of a member are looked at.
    pub billing_keys: u32,
    /// How fast one merchant's cycles are charged.
    pub charge_pace: ChargePace,
    /// How many requests wait for events at once.
    pub waiting: Seating,
    /// How many payments are followed at once.
    pub following: Seating,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            conflicts_max: 5,
            recovered_at_once: 64,
            pass_rows: 100,
            watch_rows: 500,
            feed_rows: 500,
            billing_keys: 100,
            charge_pace: ChargePace::default(),
            waiting: Seating {
                of_one: 8,
                of_all: 512,
            },
            following: Seating {
                of_one: 200,
                of_all: 1_000,
            },
        }
    }
}

/// What the application is built from.
pub struct Parts {
    /// Everything that is kept.
    pub store: Arc<dyn Store>,
    /// The gateways by account.
    pub gateways: Arc<dyn Gateways>,
    /// The time that money is dated with.
    pub clock: Arc<dyn Clock>,
    /// Fresh identifiers.
    pub ids: Arc<dyn Ids>,
    /// Who counts what the watch finds.
    pub tally: Arc<dyn Tally>,
    /// Who believes members' tokens.
    pub tokens: Arc<dyn TokenVerifier>,
    /// For what members prove themselves.
    pub step_up: StepUp,
    /// Who knows of requests under way and answered, here or in every copy.
    pub repeats: Arc<dyn Repeats>,
    /// Rung when events were committed in this process.
    pub bell: Arc<Bell>,
    /// What webhooks are brought with.
    pub post: webhooks::Post,
    /// What gateways' notifications are taken with.
    pub intake: inbox::Intake,
    /// Windows and schedules of the sagas.
    pub policy: Policy,
    /// Timings of use cases and runner.
    pub timings: Timings,
    /// Bounds of use cases and runner.
    pub bounds: Bounds,
}

/// What handlers receive: the use cases over the ports.
pub struct App {
    parts: Arc<Parts>,
    runner: Arc<Runner>,
    seen: access::Memory,
    recovered: Arc<Semaphore>,
    paused: switches::Paused,
    /// Set when a question was pulled forward.
    wake: tokio::sync::Notify,
    tail: events::Tail,
    /// Who waits for what comes next.
    seats: events::Seats,
    /// Who follows a payment.
    stands: events::Seats,
    /// Where hints are looked at.
    desk: inbox::Desk,
    /// Where cycles wait for their merchants' pace.
    lanes: billing::Lanes,
}

/// Who calls, as far as the use cases need to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Whose rows it may see.
    pub scope: Scope,
    /// In which role.
    pub actor: Actor,
    /// The member it speaks for; none for the merchant's own server.
    pub member: Option<MemberId>,
    /// The API key it showed; none where it showed a member's token.
    pub key: Option<ApiKeyId>,
    /// Who vouches for that member; nobody else proves them.
    pub issuer: Option<Issuer>,
    /// What the request shows of the person besides; of members only.
    pub evidence: Evidence,
    /// The trace of its request, and the request's span.
    pub trace: Trace,
}

impl Caller {
    /// Whose payments it may see and move.
    #[must_use]
    pub fn owner(&self) -> Owner {
        Owner {
            scope: self.scope,
            member: self.member.clone(),
        }
    }
}

impl App {
    /// The use cases over `parts`. Money work runs on `tasks`, which shutdown waits for; `drain`
    /// tells it to finish the step at hand and leave the rest to recovery.
    #[must_use]
    pub fn new(parts: Parts, tasks: TaskTracker, drain: CancellationToken) -> Arc<Self> {
        let parts = Arc::new(parts);
        let worker = WorkerId::new(parts.ids.draw());
        let runner = Arc::new(Runner::new(Arc::clone(&parts), worker, tasks, drain));
        let recovered = Arc::new(Semaphore::new(parts.bounds.recovered_at_once));
        let seats = events::Seats::new(parts.bounds.waiting);
        let stands = events::Seats::new(parts.bounds.following);
        let desk = inbox::Desk::new(parts.intake.terms.looks_max);
        Arc::new(Self {
            parts,
            runner,
            seen: access::Memory::default(),
            recovered,
            paused: switches::Paused::default(),
            wake: tokio::sync::Notify::new(),
            tail: events::Tail::default(),
            seats,
            stands,
            desk,
            lanes: billing::Lanes::default(),
        })
    }

    /// The store, for health checks and metrics.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.parts.store
    }

    /// Who this process is, in leases and sagas that it holds.
    #[must_use]
    pub fn worker(&self) -> WorkerId {
        self.runner.hold().holder
    }

    /// The clock that money is dated with.
    #[must_use]
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.parts.clock
    }

    fn draw(&self) -> RawId {
        self.parts.ids.draw()
    }
}
