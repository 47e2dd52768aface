//! Owns committing a move of a billing key under its fence, again while the store is away; and
//! holding a key while its call is out.

use std::sync::Arc;
use std::time::Duration;

use domain::billing::{BillingKey, Change as Move};
use domain::change::Change;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use tracing::{Instrument as _, warn};

use crate::Runner;
use crate::ports::store::{CommitError, Error};

/// The first pause before a commit is tried again while the store is away.
const RETRY_FIRST: Duration = Duration::from_millis(50);
/// The longest such pause.
const RETRY_MAX: Duration = Duration::from_secs(2);

/// Something else than the key's version stands in the way: to be decided again.
pub(super) struct Again;

impl Runner {
    /// The key as it was committed; `None` when it is somebody else's now, or the store is away.
    pub(super) async fn key_moved(
        &self,
        before: &BillingKey,
        after: BillingKey,
    ) -> Option<BillingKey> {
        let moved = self.try_key_moved(before, after).await;
        moved.unwrap_or_else(|Again| {
            warn!(billing_key = %before.id, "a conflict that nobody made; left to recovery");
            None
        })
    }

    /// As [`Self::key_moved`], and [`Again`] where another row stands in the way.
    pub(super) async fn try_key_moved(
        &self,
        before: &BillingKey,
        after: BillingKey,
    ) -> Result<Option<BillingKey>, Again> {
        let update = Move::Update {
            key: Box::new(after.clone()),
            expected: before.version,
            hold: None,
        };
        let told = after.told_since(before, self.parts.clock.now());
        let mut changes = vec![Change::Billing(Box::new(update))];
        changes.extend(told);
        let give_up = Instant::now().checked_add(self.parts.timings.commit_patience);
        let mut pause = RETRY_FIRST;
        loop {
            let refused = match self.parts.store.commit(&changes).await {
                Ok(()) => return Ok(Some(after)),
                Err(refused) => refused,
            };
            match self.key_stands(before, &after).await {
                Ok(Stands::Written) => return Ok(Some(after)),
                Ok(Stands::Theirs) => return Ok(None),
                Ok(Stands::Ours) if matches!(refused, CommitError::Conflict) => return Err(Again),
                Ok(Stands::Ours) | Err(_) => {}
            }
            if give_up.is_none_or(|end| Instant::now() >= end) {
                warn!(billing_key = %before.id, "store stays away; left to recovery");
                return Ok(None);
            }
            self.holding_key(before, sleep(pause)).await;
            pause = pause.saturating_mul(2).min(RETRY_MAX);
        }
    }

    async fn key_stands(&self, before: &BillingKey, after: &BillingKey) -> Result<Stands, Error> {
        let found = self.parts.store.any_billing_key(before.id).await?;
        Ok(match found {
            Some(found) if found == *after => Stands::Written,
            Some(found) if found.version == before.version => Stands::Ours,
            Some(_) | None => Stands::Theirs,
        })
    }

    /// Gives the key up early, so that recovery need not wait for the lease.
    pub(super) async fn let_key_go(&self, key: &BillingKey) {
        let (store, holder) = (&self.parts.store, self.hold().holder);
        let released = store.release_billing_key(key.id, key.version, holder).await;
        if let Err(error) = released {
            warn!(%error, "hold not released; its lease will end it");
        }
    }

    /// Awaits `work` while prolonging the hold on `key`; a store that stalls delays no answer.
    pub(super) async fn holding_key<T>(
        &self,
        key: &BillingKey,
        work: impl Future<Output = T>,
    ) -> T {
        let mut work = std::pin::pin!(work);
        let mut renewal: Option<JoinHandle<()>> = None;
        loop {
            tokio::select! {
                biased;
                done = &mut work => return done,
                () = sleep(self.parts.timings.heartbeat) => {}
            }
            if renewal.as_ref().is_none_or(JoinHandle::is_finished) {
                let (store, hold) = (Arc::clone(&self.parts.store), self.hold());
                let (id, version) = (key.id, key.version);
                let renewed = async move {
                    match store.renew_billing_key(id, version, hold).await {
                        Ok(true) => {}
                        Ok(false) => warn!("hold lost while a call is out"),
                        Err(error) => warn!(%error, "hold not renewed"),
                    }
                };
                renewal = Some(self.tasks.spawn(renewed.in_current_span()));
            }
        }
    }
}

/// What the store shows of a key after a commit that was not answered with success.
enum Stands {
    /// Our commit is in.
    Written,
    /// Nobody has moved it.
    Ours,
    /// Somebody else has.
    Theirs,
}
