//! Owns what merchants see of their deliveries, and sending them again: one, or all that an
//! endpoint has not taken since a place in the feed.

use domain::feed::{Cursor, Happening};
use domain::id::EndpointId;
use domain::principal::Scope;
use domain::webhook::{Attempt, Change, Delivery, DeliveryKey, Endpoint, EventId, State, Status};
use tracing::info;

use super::endpoints::{EndpointError, Office};
use super::fan_out::{READER, written};
use super::message;
use crate::ports::store::{Line, Listed};

/// How often a decision is taken again after somebody else was first.
const TRIES: usize = 5;
/// How many tries of a delivery are shown.
const ATTEMPTS_MAX: u32 = 100;
/// How many events are looked at in one request.
const EVENTS_MAX: u32 = 500;

/// Which events are to be sent again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Range {
    /// Those behind this place; from the first on, without it.
    pub after: Option<Cursor>,
    /// Up to this one; all, without it.
    pub until: Option<Cursor>,
    /// Also what the receiver has taken.
    pub taken_too: bool,
}

/// What is sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Redelivered {
    /// How many events.
    pub count: u64,
    /// How many events cannot be sent: their message would be too long, or they cannot be read.
    pub unsendable: u64,
    /// Up to where was looked: the next request goes on behind it.
    pub next: Cursor,
    /// Whether there is more to look at.
    pub more: bool,
}

impl Office<'_> {
    /// An endpoint's deliveries, the newest events first, then the newest notes; before one of them
    /// where its place is given.
    ///
    /// # Errors
    /// There is no such endpoint, or the store does not answer.
    pub async fn deliveries(
        &self,
        (scope, id): (Scope, EndpointId),
        state: Option<State>,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<Listed>, EndpointError> {
        self.endpoint(scope, id).await?;
        Ok(self.store.deliveries(id, state, before, limit).await?)
    }

    /// The tries of a delivery, the newest first; none where there is no such delivery.
    ///
    /// # Errors
    /// There is no such endpoint, or the store does not answer.
    pub async fn attempts(
        &self,
        (scope, endpoint): (Scope, EndpointId),
        event: EventId,
    ) -> Result<Vec<Attempt>, EndpointError> {
        self.endpoint(scope, endpoint).await?;
        let key = DeliveryKey { endpoint, event };
        Ok(self.store.attempts(&key, ATTEMPTS_MAX).await?)
    }

    /// Sends an event again that an endpoint has been sent.
    ///
    /// # Errors
    /// See [`EndpointError`].
    pub async fn redeliver(
        &self,
        (scope, endpoint): (Scope, EndpointId),
        event: EventId,
    ) -> Result<Listed, EndpointError> {
        let key = DeliveryKey { endpoint, event };
        for _ in 0..TRIES {
            self.told(scope, endpoint).await?;
            let found = self.store.delivery(&key).await?;
            let found = found.ok_or(EndpointError::NotSent)?;
            let now = self.clock.now();
            // One that is due is under way, or about to be.
            if found.delivery.state == State::Pending && found.delivery.due_at <= now {
                return Ok(found);
            }
            let delivery = found.delivery.anew(now);
            let change = again(delivery, found.delivery.version);
            if self.commit(&[written(change)]).await? {
                info!(%endpoint, %event, "delivered again");
                return Ok(Listed { delivery, ..found });
            }
        }
        Err(EndpointError::Contended)
    }

    /// Sends again what an endpoint wants of a range, events that it missed while it was disabled
    /// too. Looks at a bounded number of events: ask again from `next` while there is `more`.
    ///
    /// # Errors
    /// See [`EndpointError`]; nothing is sent then.
    pub async fn redeliver_range(
        &self,
        (scope, id): (Scope, EndpointId),
        range: Range,
    ) -> Result<Redelivered, EndpointError> {
        let head = self.store.head().await?;
        for cursor in [range.after, range.until].into_iter().flatten() {
            if cursor.epoch != head.epoch || cursor.position > head.position {
                return Err(EndpointError::CursorExpired);
            }
        }
        // What lies behind it the fan-out makes deliveries of itself.
        let told = self
            .store
            .cursor(&READER)
            .await?
            .map_or(0, |at| at.position);
        let until = range.until.map_or(told, |until| until.position.min(told));
        let after = range.after.map_or(0, |after| after.position);
        for _ in 0..TRIES {
            let endpoint = self.told(scope, id).await?;
            let lines = self.store.lines_of(scope, after, EVENTS_MAX).await?;
            let is_full = u32::try_from(lines.len()).is_ok_and(|count| count >= EVENTS_MAX);
            let last = lines.last().map_or(after, |line| line.place.position);
            let wanted = self.wanted(&endpoint, lines, until, range.taken_too);
            let Wanted {
                changes,
                unsendable,
            } = wanted.await?;
            let count = u64::try_from(changes.len()).unwrap_or(u64::MAX);
            let writes: Vec<_> = changes.into_iter().map(written).collect();
            if writes.is_empty() || self.commit(&writes).await? {
                info!(endpoint = %id, count, "delivered again");
                let position = last.min(until).max(after);
                return Ok(Redelivered {
                    count,
                    unsendable,
                    next: Cursor { position, ..head },
                    more: is_full && last < until,
                });
            }
        }
        Err(EndpointError::Contended)
    }

    /// What makes these events be sent, of those up to `until`.
    async fn wanted(
        &self,
        endpoint: &Endpoint,
        lines: Vec<Line>,
        until: i64,
        taken_too: bool,
    ) -> Result<Wanted, EndpointError> {
        let positions: Vec<i64> = lines.iter().map(|line| line.place.position).collect();
        let known = self.store.deliveries_at(endpoint.id, &positions).await?;
        let now = self.clock.now();
        let mut wanted = Wanted::default();
        for line in lines
            .into_iter()
            .filter(|line| line.place.position <= until)
        {
            let place = line.place;
            // One that cannot be read is parked: the fan-out delivers it once it can.
            let event = match line.event {
                Ok(Happening::Payment(event)) => event,
                Ok(Happening::Member(_)) => continue,
                Err(_) => {
                    wanted.unsendable = wanted.unsendable.saturating_add(1);
                    continue;
                }
            };
            if !endpoint.events.wants(event.kind) {
                continue;
            }
            if message::body(&event).is_err() {
                wanted.unsendable = wanted.unsendable.saturating_add(1);
                continue;
            }
            let of_event = known
                .iter()
                .find(|delivery| delivery.position == place.position);
            match of_event.map(|delivery| (delivery, delivery.state)) {
                Some((_, State::Pending)) => {}
                Some((_, State::Delivered)) if !taken_too => {}
                Some((delivery, State::Delivered | State::Failed)) => {
                    let delivery = again(delivery.anew(now), delivery.version);
                    wanted.changes.push(delivery);
                }
                None => {
                    let key = DeliveryKey {
                        endpoint: endpoint.id,
                        event: EventId::of_payment(event.payment, event.sequence),
                    };
                    let delivery = Delivery::new(key, place.position, now);
                    let delivery = Change::InsertDelivery(Box::new(delivery));
                    wanted.changes.push(delivery);
                }
            }
        }
        Ok(wanted)
    }

    /// An endpoint that is told of events: what is sent to another would lie there.
    async fn told(&self, scope: Scope, id: EndpointId) -> Result<Endpoint, EndpointError> {
        let endpoint = self.endpoint(scope, id).await?;
        if endpoint.status == Status::Enabled {
            Ok(endpoint)
        } else {
            Err(EndpointError::NotEnabled)
        }
    }
}

/// What makes events of a range be sent again.
#[derive(Default)]
struct Wanted {
    changes: Vec<Change>,
    unsendable: u64,
}

fn again(delivery: Delivery, expected: i64) -> Change {
    Change::UpdateDelivery {
        delivery: Box::new(delivery),
        expected,
    }
}
