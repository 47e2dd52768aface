//! Owns following one payment: how it is now, then each later event, wherever it was committed.

use std::sync::Arc;

use domain::event::PaymentEvent;
use domain::id::PaymentId;
use tokio::time::{Duration, Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error};

use super::after;
use super::seats::{Occupied, Seat};
use super::watchers::Watcher;
use crate::payments::ReadError;
use crate::ports::{Store, store};
use crate::view::PaymentView;
use crate::{App, Caller};

/// How many events are read at once.
const ROWS: u32 = 100;
/// The pause before the store is asked again that did not answer.
const PAUSE: Duration = Duration::from_secs(1);

/// Why a payment is not followed.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    /// It cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The tenant follows as many payments as one may, or the payment is followed by as many.
    #[error("too many follow already")]
    TooMany,
    /// As many are followed as the process can.
    #[error("all places are taken")]
    Full,
    /// The process is to end.
    #[error("the process is to end")]
    Stopping,
}

/// A payment that is followed.
pub struct Following {
    /// How it was when the following began.
    pub view: PaymentView,
    /// The sequence that `next` goes on after.
    pub after: i64,
    payment: PaymentId,
    is_over: bool,
    until: Instant,
    watcher: Watcher,
    store: Arc<dyn Store>,
    drain: CancellationToken,
    _seat: Seat,
}

impl App {
    /// Follows a payment of the caller's: from the event behind `last` on, or from now on where
    /// none is named, or one that there is not. Ends after the time that one may follow.
    ///
    /// # Errors
    /// See [`FollowError`].
    pub async fn follow(
        &self,
        caller: &Caller,
        payment: PaymentId,
        last: Option<i64>,
    ) -> Result<Following, FollowError> {
        if self.runner.drain.is_cancelled() {
            return Err(FollowError::Stopping);
        }
        // Before the first look, so that nothing happens unseen in between.
        let seat = self.stands.take(caller.scope);
        let watcher = self.tail.watch(caller.scope, payment);
        // Who may not see it is told so, however many follow it.
        let (found, view) = self.viewed(caller, payment).await?;
        let seat = seat.map_err(|occupied| match occupied {
            Occupied::ByOne => FollowError::TooMany,
            Occupied::ByAll => FollowError::Full,
        })?;
        let watcher = watcher.ok_or(FollowError::TooMany)?;
        let newest = found.head.sequence;
        // One from behind the end was lost in a restore: the view tells what counts now.
        let after_sequence = last.filter(|last| *last <= newest).unwrap_or(newest);
        Ok(Following {
            view,
            after: after_sequence,
            payment,
            is_over: found.status().is_final() && after_sequence == newest,
            until: after(self.parts.timings.follow_max),
            watcher,
            store: Arc::clone(&self.parts.store),
            drain: self.runner.drain.clone(),
            _seat: seat,
        })
    }
}

impl Following {
    /// Whether nothing more will happen to the payment.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        self.is_over
    }

    /// The next events, as soon as there are some. None when nothing more will happen, when the
    /// time is over, or when the process is to end: whoever goes on behind `after` misses nothing.
    pub async fn next(&mut self) -> Option<Vec<PaymentEvent>> {
        while !self.is_over && !self.drain.is_cancelled() && Instant::now() < self.until {
            self.watcher.look();
            let read = self.store.events(self.payment, self.after, ROWS).await;
            let mut again_at = self.until;
            match read {
                Ok(events) => {
                    if let Some(newest) = events.last() {
                        self.after = newest.sequence;
                        // A whole page may have been cut off in the middle.
                        let is_whole = events.len() < usize::try_from(ROWS).unwrap_or(usize::MAX);
                        self.is_over = is_whole && newest.to.is_final();
                        return Some(events);
                    }
                }
                Err(store::Error::Unavailable(why)) => {
                    debug!(why, "a payment is not followed for a while");
                    again_at = again_at.min(after(PAUSE));
                }
                Err(error @ (store::Error::Corrupt { .. } | store::Error::Broken(_))) => {
                    error!(%error, "a payment cannot be followed");
                    return None;
                }
            }
            tokio::select! {
                () = self.watcher.woken() => {}
                () = sleep_until(again_at) => {}
                () = self.drain.cancelled() => {}
            }
        }
        None
    }
}
