//! Owns telling an order's page that what it shows has changed, as server-sent events. What it
//! has changed to is read from the page itself, so that there is one place that says it.

use std::collections::HashMap;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Extension;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;
use serde::Deserialize;
use tokio::sync::watch;
use tokio::time::{Sleep, sleep};
use tokio_util::sync::CancellationToken;

use super::visitor::Visitor;
use super::{Problem, Web, orders};
use crate::store::Store;

/// How many pages are told at once; the others ask now and then.
const STREAMS_MAX: usize = 256;
/// How many of one visitor's: more than anybody looks at, and no matter for the others.
const STREAMS_OF_ONE_MAX: usize = 6;
/// A page that is still there comes back.
const LIFETIME: Duration = Duration::from_mins(5);
/// So that neither side believes the other gone.
const BEAT: Duration = Duration::from_secs(15);
/// How soon a page comes back.
const AGAIN: Duration = Duration::from_secs(2);

/// What the page shows.
#[derive(Deserialize)]
pub(super) struct Shown {
    #[serde(default)]
    seen: i64,
}

/// The places of pages that are told, by visitor.
#[derive(Clone, Default)]
pub(crate) struct Streams(Arc<Mutex<HashMap<String, usize>>>);

impl Streams {
    /// A place for a page of this visitor's, while there is one.
    fn take(&self, owner: &str) -> Option<Place> {
        let mut taken = self.taken();
        let all = taken
            .values()
            .fold(0, |all: usize, own| all.saturating_add(*own));
        let own = taken.get(owner).copied().unwrap_or_default();
        if all >= STREAMS_MAX || own >= STREAMS_OF_ONE_MAX {
            return None;
        }
        taken.insert(owner.to_owned(), own.saturating_add(1));
        Some(Place {
            streams: self.clone(),
            owner: owner.to_owned(),
        })
    }

    fn taken(&self) -> MutexGuard<'_, HashMap<String, usize>> {
        // What is under the lock is whole at every moment.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place, until it is dropped.
struct Place {
    streams: Streams,
    owner: String,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.streams.taken();
        let left = taken
            .get(&self.owner)
            .map_or(0, |own| own.saturating_sub(1));
        if left == 0 {
            taken.remove(&self.owner);
        } else {
            taken.insert(self.owner.clone(), left);
        }
    }
}

struct Telling {
    store: Store,
    order: String,
    seen: i64,
    changes: watch::Receiver<()>,
    life: Pin<Box<Sleep>>,
    end: CancellationToken,
    _place: Place,
}

impl Telling {
    /// The revision that is not shown yet; none once the stream is over.
    async fn next(&mut self) -> Option<i64> {
        loop {
            // Marked before it is read: what changes meanwhile is looked at again.
            self.changes.mark_unchanged();
            let revision = match self.store.order(&self.order).await {
                Ok(order) => order?.revision,
                Err(error) => {
                    tracing::error!(%error, "an order is not read for its page");
                    return None;
                }
            };
            if revision > self.seen {
                self.seen = revision;
                return Some(revision);
            }
            tokio::select! {
                () = self.end.cancelled() => return None,
                () = self.life.as_mut() => return None,
                changed = self.changes.changed() => changed.ok()?,
            }
        }
    }
}

pub(super) async fn follow(
    State(web): State<Arc<Web>>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    Query(shown): Query<Shown>,
) -> Result<Response, Problem> {
    let order = orders::own(&web, &visitor, &id).await?;
    let Some(place) = web.streams.take(&order.owner) else {
        return Ok(StatusCode::SERVICE_UNAVAILABLE.into_response());
    };
    let telling = Telling {
        store: web.shop.store.clone(),
        order: order.id,
        seen: shown.seen,
        changes: web.shop.store.changes(),
        life: Box::pin(sleep(LIFETIME)),
        end: web.end.clone(),
        _place: place,
    };
    let told = stream::unfold(telling, async |mut telling: Telling| {
        let revision = telling.next().await?.to_string();
        let event = Event::default()
            .event("changed")
            .retry(AGAIN)
            .data(revision);
        Some((Ok::<_, Infallible>(event), telling))
    });
    let beats = KeepAlive::new().interval(BEAT);
    Ok(Sse::new(told).keep_alive(beats).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_visitor_takes_a_few_places_only() {
        let streams = Streams::default();
        let mut own: Vec<_> = (0..STREAMS_OF_ONE_MAX)
            .map(|_| streams.take("a").unwrap())
            .collect();
        assert!(streams.take("a").is_none());
        assert!(streams.take("b").is_some());
        drop(own.pop());
        assert!(streams.take("a").is_some());
    }

    #[test]
    fn all_together_have_so_many_places() {
        let streams = Streams::default();
        let take = |visitor: usize| streams.take(&visitor.to_string());
        let all: Vec<_> = (0..STREAMS_MAX)
            .map(|visitor| take(visitor).unwrap())
            .collect();
        assert!(take(STREAMS_MAX).is_none());
        drop(all);
        assert!(streams.taken().is_empty());
    }
}
