//! Owns what follows from a try for its endpoint: since when it fails, when it is told no more, and
//! that the merchant's other endpoints are told of that.

use std::time::Duration;

use domain::Timestamp;
use domain::change;
use domain::principal::Actor;
use domain::webhook::{Change, Deed, Delivery, Endpoint, Note, Outcome, Status, Topic};
use tracing::warn;

use super::endpoints::tell;
use super::fan_out::written;
use crate::idempotency::later;
use crate::ports::Store;
use crate::ports::store::{self, CommitError};

/// How often a decision is taken again after somebody else was first.
const TRIES: u64 = 5;

/// A try that was made.
#[derive(Clone, Copy)]
pub(super) struct Tried {
    /// What it came to.
    pub(super) outcome: Outcome,
    /// Since when its delivery is tried.
    pub(super) began_at: Timestamp,
    /// When it ended.
    pub(super) now: Timestamp,
}

/// Notes what a try says about its endpoint. What cannot be noted the next try says again.
pub(super) async fn note(store: &dyn Store, seen: &Endpoint, tried: Tried, dead_after: Duration) {
    let Tried {
        outcome,
        began_at,
        now,
    } = tried;
    let for_days = |since| {
        let spent = now.signed_duration_since(since).to_std();
        spent.unwrap_or_default() >= dead_after
    };
    let noted = match (outcome, seen.failing_since) {
        // What we could not make is no fault of the receiver's.
        (Outcome::Taken, None) | (Outcome::Unmade, _) => return,
        (Outcome::Taken, Some(_)) => attempt(store, Change::EndFailing(seen.id)).await,
        (Outcome::Gone, _) => disable(store, seen, (Status::Gone, Deed::Gone), now).await,
        (Outcome::Refused | Outcome::Unanswered | Outcome::Forbidden, None) => {
            let (endpoint, since) = (seen.id, now);
            attempt(store, Change::BeginFailing { endpoint, since }).await
        }
        (Outcome::Refused | Outcome::Unanswered | Outcome::Forbidden, Some(since)) => {
            // Where nothing was sent nothing failed: one message was tried all the time.
            if !for_days(since) || !for_days(began_at) {
                return;
            }
            disable(store, seen, (Status::Dead, Deed::Dead), now).await
        }
    };
    if let Err(error) = noted {
        warn!(endpoint = %seen.id, %error, "what a try says of its endpoint is not noted");
    }
}

/// A conflict means that another try has noted the same.
async fn attempt(store: &dyn Store, change: Change) -> Result<(), store::Error> {
    match store.commit(&[written(change)]).await {
        Ok(()) | Err(CommitError::Conflict | CommitError::InDoubt) => Ok(()),
        Err(CommitError::Store(error)) => Err(error),
    }
}

/// The endpoint is told no more, unless somebody has changed it since this try began. What tells
/// the merchant's other endpoints is committed with it: each of them once, or nothing at all.
async fn disable(
    store: &dyn Store,
    seen: &Endpoint,
    (status, deed): (Status, Deed),
    now: Timestamp,
) -> Result<(), store::Error> {
    for conflicts in 0..TRIES {
        let found = store.endpoint(seen.id).await?;
        let same = found.filter(|found| found.url == seen.url && found.status == Status::Enabled);
        let Some(found) = same else { return Ok(()) };
        // Enabled anew, it begins anew.
        if status == Status::Dead && found.failing_since != seen.failing_since {
            return Ok(());
        }
        let Some(next) = found.with_status(status) else {
            return Ok(());
        };
        // Noted in the same microsecond as another's, it is noted in a later one.
        let at = later(now, Duration::from_micros(conflicts));
        let note = next.note(deed, Actor::System, at);
        let mut changes = vec![
            written(Change::UpdateEndpoint {
                endpoint: Box::new(next.clone()),
                expected: found.version,
            }),
            written(Change::Note(note)),
        ];
        changes.extend(news(store, &found, &note).await?);
        match store.commit(&changes).await {
            Ok(()) => {
                warn!(endpoint = %next.id, %deed, "an endpoint is told of events no more");
                tell(&next, deed, Actor::System);
                return Ok(());
            }
            Err(CommitError::Conflict | CommitError::InDoubt) => {}
            Err(CommitError::Store(error)) => return Err(error),
        }
    }
    Ok(())
}

/// What tells the merchant's other endpoints in this mode of the note, those that want it. While
/// one of them cannot be read nothing is noted: it might want this, and would never hear of it.
async fn news(
    store: &dyn Store,
    about: &Endpoint,
    note: &Note,
) -> Result<Vec<change::Change>, store::Error> {
    let merchant = about.scope.merchant;
    let mut news = Vec::new();
    for listener in store.listening(&[merchant]).await? {
        let other = listener.endpoint.map_err(|why| store::Error::Corrupt {
            table: "webhook_endpoints",
            id: format!("of {merchant}"),
            why,
        })?;
        let is_beside = other.scope == about.scope && other.id != about.id;
        if is_beside && other.events.wants(Topic::EndpointDisabled) {
            let delivery = Delivery::of_note(other.id, note);
            news.push(written(Change::InsertDelivery(Box::new(delivery))));
        }
    }
    Ok(news)
}
