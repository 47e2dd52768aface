//! Owns reading a tenant's events by a cursor of its own, and waiting for the next ones.

use std::time::Duration;

use domain::feed::{Cursor, Happening, Place};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::timeout_at;
use tracing::error;

use super::after;
use crate::ports::store;
use crate::{App, Caller};

/// Events of a tenant and mode, in the order of the feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventsPage {
    /// Each with where it is.
    pub events: Vec<(Cursor, Happening)>,
    /// Where the next page begins, whether or not there is anything yet.
    pub next: Cursor,
    /// Whether there may be more right now.
    pub more: bool,
}

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
pub enum EventsError {
    /// The cursor is of another epoch, or from behind the end: positions mean other events now.
    #[error("the cursor is no longer valid")]
    CursorExpired,
    /// This version cannot read the next event; one that is newer wrote it, or its row is damaged.
    #[error("the event {event} cannot be read")]
    Unreadable {
        /// `payment/sequence`.
        event: String,
        /// The place behind it.
        next: Cursor,
    },
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl App {
    /// The caller's events after a place, or from the first one on; `limit` at most. Where there is
    /// none, those that come within `wait`, unless too many wait already.
    ///
    /// # Errors
    /// See [`EventsError`].
    pub async fn events_after(
        &self,
        caller: &Caller,
        place: Option<Cursor>,
        limit: u32,
        wait: Duration,
    ) -> Result<EventsPage, EventsError> {
        let until = after(wait);
        // Before the first look, so that nothing happens unseen in between.
        let mut listening = self.tail.listen();
        let head = self.parts.store.head().await?;
        let place = place.unwrap_or(Cursor {
            position: 0,
            ..head
        });
        if place.epoch != head.epoch || place.position > head.position {
            return Err(EventsError::CursorExpired);
        }
        let seat = if wait.is_zero() {
            None
        } else {
            self.seats.take(caller.scope).ok()
        };
        loop {
            let page = self.page(caller, place, limit).await?;
            if !page.events.is_empty() || seat.is_none() {
                return Ok(page);
            }
            let coming = self.coming(&mut listening, caller);
            if timeout_at(until, coming).await.is_err() || self.runner.drain.is_cancelled() {
                return Ok(page);
            }
        }
    }

    /// Until there may be something of the caller's, or the process is to end.
    async fn coming(&self, listening: &mut Receiver<Place>, caller: &Caller) {
        let own = async {
            loop {
                match listening.recv().await {
                    Ok(place) if place.scope != caller.scope => {}
                    Ok(_) | Err(RecvError::Lagged(_)) => return,
                    Err(RecvError::Closed) => std::future::pending().await,
                }
            }
        };
        tokio::select! {
            () = own => {}
            () = self.runner.drain.cancelled() => {}
        }
    }

    async fn page(
        &self,
        caller: &Caller,
        place: Cursor,
        limit: u32,
    ) -> Result<EventsPage, EventsError> {
        let store = &self.parts.store;
        let lines = store.lines_of(caller.scope, place.position, limit).await?;
        let mut page = EventsPage {
            more: u32::try_from(lines.len()).is_ok_and(|count| count >= limit),
            events: Vec::with_capacity(lines.len()),
            next: place,
        };
        for line in lines {
            let position = line.place.position;
            let event = match line.event {
                Ok(event) => event,
                Err(why) => {
                    let event = format!("{}/{}", line.place.subject, line.place.sequence);
                    error!(event, why, "an event cannot be read");
                    // Left out it would be lost for who reads on behind it. What is before it is
                    // told, and whoever comes back for it learns why there is nothing.
                    if page.events.is_empty() {
                        let next = Cursor { position, ..place };
                        return Err(EventsError::Unreadable { event, next });
                    }
                    page.more = true;
                    break;
                }
            };
            page.next.position = position;
            page.events.push((page.next, event));
        }
        Ok(page)
    }

    /// The end of the feed, for those who wait for what comes next.
    #[must_use]
    pub const fn tail(&self) -> &super::Tail {
        &self.tail
    }
}
