//! Owns what gateways tell unasked, from the request that brings it to the payment that is looked
//! at because of it.
//!
//! Three durable steps, each a commit: a notification is kept as it came, before it is answered; it
//! is sorted, which makes a hint at a payment of ours out of it, or nothing; the hint is looked at,
//! which asks the gateway and applies the answer as the watch does. What a notification claims is
//! compared with the books, to ask less, and otherwise believed nothing.

mod look;
mod receive;
mod sealed;
mod security;
mod sort;
mod subject;
mod tokens;
mod verify;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::id::GatewayAccountId;
use tokio::sync::{Notify, Semaphore};
use tokio::time::{Instant, sleep};
use tracing::warn;

use crate::App;
use crate::ports::RateLimiter;
use crate::ports::inbox::{DepositSecrets, HookReader};
use crate::ports::limiter::Rate;

pub use receive::HookError;
pub use sealed::{Unopened, body_of};
pub use security::{SecurityError, SecurityKeys};
pub use tokens::{Fresh, TokenError, Tokens};

/// How notifications are dealt with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// How long after it came a notification is sorted: whoever of us moved the money books it
    /// meanwhile, and nobody need be asked.
    pub grace: Duration,
    /// How often what is due is looked for.
    pub poll: Duration,
    /// How long notifications are kept, and the same one is known again.
    pub kept: Duration,
    /// How many notifications an account may bring; none is without a limit.
    pub hooks: Option<Rate>,
    /// How many of them that cannot be read are kept.
    pub unreadable: Option<Rate>,
    /// How many of them are kept from which nothing can follow.
    pub idle: Option<Rate>,
    /// How many questions hints may cost a merchant.
    pub questions: Option<Rate>,
    /// How many hints are looked at at once; half of them at most of one account. One that takes
    /// longer than a second counts for its account alone.
    pub looks_max: usize,
    /// How long a hint is held without a sign of life; more than a look takes. Notifications are
    /// held for a third of it by whoever sorts them.
    pub lease: Duration,
}

impl Default for Terms {
    fn default() -> Self {
        Self {
            grace: Duration::from_secs(1),
            poll: Duration::from_millis(500),
            kept: Duration::from_hours(30 * 24),
            hooks: None,
            unreadable: None,
            idle: None,
            questions: None,
            looks_max: 8,
            lease: Duration::from_mins(3),
        }
    }
}

/// What notifications take besides what every use case has.
#[derive(Clone)]
pub struct Intake {
    /// Who can read them.
    pub reader: Arc<dyn HookReader>,
    /// What deposits are proven with.
    pub deposits: Arc<dyn DepositSecrets>,
    /// Who counts them, and the questions that they cost.
    pub limiter: Arc<dyn RateLimiter>,
    /// How.
    pub terms: Terms,
}

/// Where hints are looked at: the places of this process, and the accounts that are left alone.
pub(crate) struct Desk {
    places: Arc<Semaphore>,
    of_account: usize,
    /// Told when a place is left.
    freed: Notify,
    accounts: Mutex<HashMap<GatewayAccountId, Account>>,
}

/// What is remembered of an account.
#[derive(Clone, Copy, Default)]
struct Account {
    /// How many of its hints are looked at.
    seated: usize,
    /// Until when none of them is taken.
    quiet_until: Option<Instant>,
}

impl Account {
    fn is_quiet(&self, now: Instant) -> bool {
        self.quiet_until.is_some_and(|until| until > now)
    }
}

impl Desk {
    pub(crate) fn new(looks_max: usize) -> Self {
        Self {
            places: Arc::new(Semaphore::new(looks_max.max(1))),
            of_account: looks_max.div_ceil(2).max(1),
            freed: Notify::new(),
            accounts: Mutex::default(),
        }
    }

    /// The accounts of which no hint is taken now.
    fn closed(&self) -> Vec<GatewayAccountId> {
        let now = Instant::now();
        let mut accounts = self.lock();
        accounts.retain(|_, account| account.seated > 0 || account.is_quiet(now));
        let closed = accounts
            .iter()
            .filter(|(_, account)| account.seated >= self.of_account || account.is_quiet(now));
        closed.map(|(id, _)| *id).collect()
    }

    fn sit(&self, account: GatewayAccountId, comes: bool) {
        let mut accounts = self.lock();
        let seated = &mut accounts.entry(account).or_default().seated;
        *seated = if comes {
            seated.saturating_add(1)
        } else {
            seated.saturating_sub(1)
        };
    }

    /// Leaves an account alone for a while: its hints wait as they are.
    fn hush(&self, account: GatewayAccountId, pause: Duration) {
        let mut accounts = self.lock();
        let until = Instant::now().checked_add(pause);
        let account = accounts.entry(account).or_default();
        account.quiet_until = account.quiet_until.max(until);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<GatewayAccountId, Account>> {
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl App {
    /// Sorts what came in and looks at what it hints at, until the process is to end.
    pub async fn sort_continuously(self: Arc<Self>) {
        while !self.runner.drain.is_cancelled() {
            let sorted = self.sort_inbox().await;
            let looked = self.look_at_hints().await.map(|looks| looks.len());
            let mut is_more = false;
            match sorted {
                Ok(rows) => is_more = rows >= u64::from(self.parts.bounds.pass_rows),
                Err(error) => warn!(%error, "notifications are not sorted"),
            }
            if let Err(error) = looked {
                warn!(%error, "hints are not looked at");
            }
            let pause = if is_more {
                Duration::ZERO
            } else {
                self.parts.intake.terms.poll
            };
            tokio::select! {
                () = sleep(pause) => {}
                // More may be due than there were places.
                () = self.desk.freed.notified() => {}
                () = self.runner.drain.cancelled() => {}
            }
        }
    }
}
