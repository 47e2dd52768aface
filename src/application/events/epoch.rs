//! Owns counting positions anew: after a restore or a failover that lost commits, the positions
//! that others remember mean other events.

use domain::feed::{Change, Epoch};

use super::reader::feed;
use crate::ports::Clock;
use crate::ports::store::{CommitError, FeedStore};

/// Raises the epoch. Whoever reads from outside is told that its cursor is over, and begins anew;
/// this service's own readers go on where they were, as that was restored with the events.
///
/// The number is the second it is raised in, so that an epoch which was lost itself is not given
/// again.
///
/// # Errors
/// The store did not answer, or not certainly; or somebody raised it at the same time. Looking at
/// it tells.
pub async fn raise_epoch(
    store: &dyn FeedStore,
    clock: &dyn Clock,
    why: String,
) -> Result<Epoch, CommitError> {
    let now = clock.now();
    let next = store.head().await?.epoch.saturating_add(1);
    let epoch = Epoch {
        number: now.timestamp().max(next),
        raised_at: now,
        why,
    };
    store
        .commit(&[feed(Change::RaiseEpoch(epoch.clone()))])
        .await?;
    Ok(epoch)
}
