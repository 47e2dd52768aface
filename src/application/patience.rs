//! Owns how long somebody waits for a saga, and what of that the gateway has taken so far.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Somebody's patience. Shared with the task that does the work, so that it tells the gateway's
/// part also of work that is still under way when it ends.
#[derive(Debug)]
pub struct Patience {
    until: Instant,
    taken: Mutex<Taken>,
}

/// What the gateway has taken.
#[derive(Debug, Default)]
struct Taken {
    before: Duration,
    /// Since when it is taking more.
    since: Option<Instant>,
}

impl Patience {
    /// So much from now on.
    pub(crate) fn of(span: Duration) -> Self {
        let now = Instant::now();
        Self {
            until: now.checked_add(span).unwrap_or(now),
            taken: Mutex::default(),
        }
    }

    /// When it ends.
    pub(crate) const fn until(&self) -> Instant {
        self.until
    }

    /// How much of it is left.
    pub(crate) fn left(&self) -> Duration {
        self.until.saturating_duration_since(Instant::now())
    }

    /// Awaits `work` on the gateway's account: a call, or a pause because one did not tell.
    pub(crate) async fn at_gateway<T>(&self, work: impl Future<Output = T>) -> T {
        self.taken().since = Some(Instant::now());
        let done = work.await;
        let mut taken = self.taken();
        taken.before = taken.total();
        taken.since = None;
        done
    }

    /// What the gateway has taken so far.
    pub(crate) fn gateway_time(&self) -> Duration {
        self.taken().total()
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Taken {
    fn total(&self) -> Duration {
        let now = self.since.map_or(Duration::ZERO, |since| since.elapsed());
        self.before.saturating_add(now)
    }
}
