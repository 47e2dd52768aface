//! Owns telling an order's page that what it shows has changed, as server-sent events. What it
//! has changed to is read from the page itself, so that there is one place that says it.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;
use serde::Deserialize;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::{Sleep, sleep};
use tokio_util::sync::CancellationToken;

use super::visitor::Visitor;
use super::{Problem, Web, orders};
use crate::store::Store;

/// How many pages are told at once; the others ask now and then.
pub(super) const STREAMS_MAX: usize = 256;
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

struct Telling {
    store: Store,
    order: String,
    seen: i64,
    changes: watch::Receiver<()>,
    life: Pin<Box<Sleep>>,
    end: CancellationToken,
    _place: OwnedSemaphorePermit,
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
    let Ok(place) = Arc::clone(&web.streams).try_acquire_owned() else {
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
