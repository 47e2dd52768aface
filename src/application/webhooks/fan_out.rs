//! Owns making deliveries of events: one for each endpoint that wants one, committed with the
//! reader's cursor, so that each is made exactly once.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use async_trait::async_trait;
use domain::change;
use domain::feed::{Happening, Reader};
use domain::id::MerchantId;
use domain::webhook::{Change, Delivery, DeliveryKey, Endpoint, EventId};

use super::message;
use crate::ports::sink::{Begin, Fate, Sink, Told};
use crate::ports::store::{self, Listener};
use crate::ports::{Clock, Store};

/// As what its place in the feed is remembered.
pub static READER: Reader = Reader::named("webhooks");

/// Makes deliveries of events.
pub struct FanOut {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    /// Events up to here may have been told before; by another process, too, at first.
    told: AtomicI64,
}

impl FanOut {
    /// Makes them in `store`, due by `clock`.
    #[must_use]
    pub const fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Self {
        Self {
            store,
            clock,
            told: AtomicI64::new(i64::MAX),
        }
    }

    async fn fates(&self, events: &[Told]) -> Result<Vec<Fate>, store::Error> {
        let merchants: HashSet<MerchantId> = events
            .iter()
            .map(|told| told.event.scope().merchant)
            .collect();
        let merchants: Vec<MerchantId> = merchants.into_iter().collect();
        let listening = Listening::new(self.store.listening(&merchants).await?);
        let made = self.made(events, &listening.endpoints).await?;
        let fate = |told| self.fate(told, &listening, &made);
        Ok(events.iter().map(fate).collect())
    }

    /// Which of these deliveries there are already. Asked only for events that may have been told
    /// before: of a parked payment, of a commit whose answer was lost.
    async fn made(
        &self,
        events: &[Told],
        endpoints: &[Endpoint],
    ) -> Result<HashSet<DeliveryKey>, store::Error> {
        let last = events
            .iter()
            .map(|told| told.position)
            .max()
            .unwrap_or_default();
        let before = self.told.load(Ordering::Relaxed);
        // What was told once stays told, whatever is told again in between.
        let furthest = if before == i64::MAX {
            last
        } else {
            before.max(last)
        };
        self.told.store(furthest, Ordering::Relaxed);
        let mut made = HashSet::new();
        let positions: Vec<i64> = events.iter().map(|told| told.position).collect();
        if positions.iter().all(|position| *position > before) {
            return Ok(made);
        }
        for endpoint in endpoints {
            let known = self.store.deliveries_at(endpoint.id, &positions).await?;
            made.extend(known.into_iter().map(|delivery| delivery.key));
        }
        Ok(made)
    }

    fn fate(&self, told: &Told, listening: &Listening, made: &HashSet<DeliveryKey>) -> Fate {
        let Happening::Payment(event) = told.event.as_ref() else {
            return Fate::Delivered;
        };
        // It may want this event. Others' are told.
        if let Some(why) = listening.unreadable.get(&event.scope.merchant) {
            return Fate::Poisoned(why.clone());
        }
        let wanting = listening
            .endpoints
            .iter()
            .filter(|endpoint| endpoint.scope == event.scope && endpoint.events.wants(event.kind));
        let id = EventId::of_payment(event.payment, event.sequence);
        let keys = wanting.map(|endpoint| DeliveryKey {
            endpoint: endpoint.id,
            event: id,
        });
        let keys: Vec<DeliveryKey> = keys.filter(|key| !made.contains(key)).collect();
        if !keys.is_empty()
            && let Err(why) = message::body(event)
        {
            return Fate::Poisoned(why);
        }
        let now = self.clock.now();
        let delivery = |key| {
            let delivery = Delivery::new(key, told.position, now);
            written(Change::InsertDelivery(Box::new(delivery)))
        };
        Fate::Effected(keys.into_iter().map(delivery).collect())
    }
}

/// Who is told of events.
struct Listening {
    endpoints: Vec<Endpoint>,
    /// Merchants of whose endpoints one cannot be read, and why.
    unreadable: HashMap<MerchantId, String>,
}

impl Listening {
    fn new(listeners: Vec<Listener>) -> Self {
        let mut listening = Self {
            endpoints: Vec::with_capacity(listeners.len()),
            unreadable: HashMap::new(),
        };
        for Listener { merchant, endpoint } in listeners {
            match endpoint {
                Ok(endpoint) => listening.endpoints.push(endpoint),
                Err(why) => {
                    listening.unreadable.insert(merchant, why);
                }
            }
        }
        listening
    }
}

/// A write about webhooks, as the store takes it.
pub(super) fn written(change: Change) -> change::Change {
    change::Change::Webhook(Box::new(change))
}

#[async_trait]
impl Sink for FanOut {
    fn reader(&self) -> Reader {
        READER.clone()
    }

    /// Before the first endpoint there was nobody to tell; with it the cursor was made.
    fn begin(&self) -> Begin {
        Begin::Now
    }

    async fn deliver(&self, events: &[Told]) -> Vec<Fate> {
        match self.fates(events).await {
            Ok(fates) => fates,
            Err(error) => {
                // What comes of these is not known: they are told again.
                self.told.store(i64::MAX, Ordering::Relaxed);
                let away = Fate::Unavailable(error.to_string());
                vec![away; events.len()]
            }
        }
    }
}
