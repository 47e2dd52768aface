//! Owns reading what the broker was told: how much, in which order, and when.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use rdkafka::consumer::{Consumer as _, StreamConsumer};
use rdkafka::message::{Headers as _, Message as _, OwnedHeaders, OwnedMessage};
use rdkafka::{ClientConfig, Timestamp};
use serde::Deserialize;
use tokio::time::{sleep, timeout};

/// Every event of every payment.
pub(crate) const TOPIC: &str = "payment.events.v1";
/// How long nothing may come.
const PATIENCE: Duration = Duration::from_mins(1);
/// How long more than was expected is waited for.
const GRACE: Duration = Duration::from_secs(1);

/// What is given before the connection stands: four tellings of 1,000.
const IN_HAND: usize = 4000;

/// A reader of every event.
pub(crate) struct Reading {
    consumer: StreamConsumer,
}

/// What came.
#[derive(Default)]
pub(crate) struct Log {
    /// As it came.
    pub(crate) messages: Vec<OwnedMessage>,
    /// When each came, after it had happened.
    lags: Vec<Duration>,
    /// The last sequence of each payment.
    seen: HashMap<String, i64>,
    inversions: usize,
    came_again: usize,
    /// What came, by the event's id.
    ids: BTreeSet<String>,
}

#[derive(Deserialize)]
struct Envelope {
    id: String,
    subject: String,
    time: DateTime<Utc>,
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    sequence: i64,
}

#[expect(
    clippy::disallowed_methods,
    reason = "what is late is late by the wall"
)]
pub(crate) fn now() -> DateTime<Utc> {
    Utc::now()
}

impl Reading {
    /// From the first event on.
    pub(crate) fn begin(address: &str) -> anyhow::Result<Self> {
        let consumer: StreamConsumer = ClientConfig::new()
            .set("bootstrap.servers", address)
            .set("group.id", "harness")
            .set("session.timeout.ms", "1000")
            .set("heartbeat.interval.ms", "100")
            .set("auto.offset.reset", "earliest")
            .set("topic.metadata.refresh.interval.ms", "200")
            .set("fetch.wait.max.ms", "10")
            .create()?;
        consumer.subscribe(&[TOPIC])?;
        Ok(Self { consumer })
    }

    /// Reads until so many different events have come, and a moment longer. What they say is looked
    /// at afterwards: it would take the processors from those who are measured.
    pub(crate) async fn until(&mut self, count: usize) -> anyhow::Result<Log> {
        let mut log = Log::default();
        self.further(&mut log, count).await?;
        Ok(log)
    }

    /// Goes on with what was read before.
    pub(crate) async fn further(&mut self, log: &mut Log, count: usize) -> anyhow::Result<()> {
        let mut came = Vec::new();
        while log.count() < count {
            let message = timeout(PATIENCE, self.consumer.recv()).await;
            match message.with_context(|| format!("{} of {count} came", log.count()))? {
                Ok(message) => came.push((message.detach(), now())),
                // The topic is made by what is told.
                Err(_) => sleep(Duration::from_millis(50)).await,
            }
            if log.count().saturating_add(came.len()) >= count {
                log.note_all(came.drain(..))?;
            }
        }
        while let Ok(Ok(message)) = timeout(GRACE, self.consumer.recv()).await {
            log.note(message.detach(), now())?;
        }
        Ok(())
    }
}

impl Log {
    fn note_all(
        &mut self,
        messages: impl Iterator<Item = (OwnedMessage, DateTime<Utc>)>,
    ) -> anyhow::Result<()> {
        for (message, at) in messages {
            self.note(message, at)?;
        }
        Ok(())
    }

    /// A message that came at this time.
    fn note(&mut self, message: OwnedMessage, at: DateTime<Utc>) -> anyhow::Result<()> {
        let payload = message.payload().unwrap_or_default();
        let envelope: Envelope = serde_json::from_slice(payload)?;
        let lag = at.signed_duration_since(envelope.time);
        let last = self.seen.entry(envelope.subject).or_default();
        let sequence = envelope.data.sequence;
        if sequence <= *last {
            self.came_again = self.came_again.saturating_add(1);
        } else {
            if sequence != last.saturating_add(1) {
                self.inversions = self.inversions.saturating_add(1);
            }
            *last = sequence;
            self.ids.insert(envelope.id);
            self.lags.push(lag.to_std().unwrap_or_default());
        }
        self.messages.push(message);
        Ok(())
    }

    /// How many different events.
    pub(crate) fn count(&self) -> usize {
        self.lags.len()
    }

    pub(crate) fn lost(&self, expected: usize) -> usize {
        expected.saturating_sub(self.count())
    }

    /// Events that came before an earlier one of their payment.
    pub(crate) const fn inversions(&self) -> usize {
        self.inversions
    }

    /// Messages of events that had come before.
    pub(crate) const fn came_again(&self) -> usize {
        self.came_again
    }

    /// Whether the event with this id came.
    pub(crate) fn has(&self, id: &str) -> bool {
        self.ids.contains(id)
    }

    /// How fast it was told, by when each message was given to the producer. What was given before
    /// the broker was there waited for it, and does not count; nor do the first tellings after,
    /// which wait until the library has the number it publishes under: it asks twice a second.
    /// None where that is most of it.
    pub(crate) fn per_second(&self, there: DateTime<Utc>) -> Option<u64> {
        let there = there.timestamp_millis();
        let given = self
            .messages
            .iter()
            .filter_map(|message| match message.timestamp() {
                Timestamp::CreateTime(milliseconds) => Some(milliseconds),
                Timestamp::NotAvailable | Timestamp::LogAppendTime(_) => None,
            });
        let mut given: Vec<i64> = given.filter(|at| *at >= there).collect();
        given.sort_unstable();
        let given = given.get(IN_HAND..).unwrap_or_default();
        if given.len() < self.messages.len() / 2 {
            return None;
        }
        let span = given.last()?.saturating_sub(*given.first()?);
        let span = u64::try_from(span).ok()?.max(1);
        let count = u64::try_from(given.len()).ok()?;
        count.saturating_mul(1000).checked_div(span)
    }

    /// How late events were that so many of a thousand do not exceed; none without any.
    pub(crate) fn lag_milliseconds(&self, per_mille: usize) -> Option<u64> {
        let mut sorted = self.lags.clone();
        sorted.sort_unstable();
        let rank = sorted.len().saturating_mul(per_mille).div_ceil(1000).max(1);
        let lag = sorted.get(rank.saturating_sub(1))?;
        u64::try_from(lag.as_millis()).ok()
    }

    /// The headers of a message, to be sent again.
    pub(crate) fn headers(message: &OwnedMessage) -> OwnedHeaders {
        let mut headers = OwnedHeaders::new();
        for header in message
            .headers()
            .into_iter()
            .flat_map(|headers| headers.iter())
        {
            headers = headers.insert(header);
        }
        headers
    }
}
