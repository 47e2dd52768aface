//! Owns what of the bus operators see: what became of messages, whether the broker is away, and
//! what the client library says.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use application::ports::bus::{Message, Receipt, Topic};
use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Told {
    /// It is kept.
    Acknowledged,
    /// It can never be.
    Refused,
    /// It is not, or nobody said so.
    Away,
}

impl Told {
    /// The word in metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Acknowledged => "acknowledged",
            Self::Refused => "refused",
            Self::Away => "away",
        }
    }

    pub(super) const fn of(receipt: &Receipt) -> Self {
        match receipt {
            Receipt::Acknowledged => Self::Acknowledged,
            Receipt::Refused(_) => Self::Refused,
            Receipt::Away(_) => Self::Away,
        }
    }
}

/// Who counts.
pub trait Observer: Send + Sync {
    /// It is known what became of so many messages that were published together.
    fn published(&self, topic: Topic, told: Told, count: u32, took: Duration);

    /// The broker went away, or is back.
    fn is_away(&self, away: bool);
}

/// Whether the broker is away, as far as publishing shows.
pub(super) struct Presence {
    observer: Arc<dyn Observer>,
    away: AtomicBool,
}

impl Presence {
    pub(super) fn new(observer: Arc<dyn Observer>) -> Self {
        observer.is_away(false);
        let away = AtomicBool::new(false);
        Self { observer, away }
    }

    /// What became of messages that were published together.
    pub(super) fn count(&self, messages: &[Message], receipts: &[Receipt], took: Duration) {
        let mut counts: HashMap<(Topic, Told), u32> = HashMap::new();
        for (message, receipt) in messages.iter().zip(receipts) {
            let count = counts.entry((message.topic, Told::of(receipt)));
            let count = count.or_default();
            *count = count.saturating_add(1);
        }
        for ((topic, told), count) in counts {
            self.observer.published(topic, told, count, took);
        }
    }

    /// Says it once, however long it lasts.
    pub(super) fn is_away(&self, why: &str) {
        if !self.away.swap(true, Ordering::Relaxed) {
            tracing::warn!(why, "the broker takes no messages; events wait");
            self.observer.is_away(true);
        }
    }

    pub(super) fn is_back(&self) {
        if self.away.swap(false, Ordering::Relaxed) {
            tracing::info!("the broker takes messages again");
            self.observer.is_away(false);
        }
    }
}

/// Takes what the client library says into our log. It repeats itself while a broker is away,
/// which is told once: so nothing of it is more than detail.
#[derive(Clone, Copy)]
pub(super) struct Talk;

impl ClientContext for Talk {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, line: &str) {
        match level {
            RDKafkaLogLevel::Emerg
            | RDKafkaLogLevel::Alert
            | RDKafkaLogLevel::Critical
            | RDKafkaLogLevel::Error
            | RDKafkaLogLevel::Warning => tracing::debug!(facility, line, "librdkafka"),
            RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info | RDKafkaLogLevel::Debug => {
                tracing::trace!(facility, line, "librdkafka");
            }
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(%error, reason, "librdkafka");
    }
}
