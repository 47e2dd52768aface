//! Owns waiting for what becomes of messages that were handed over together: once for all of them,
//! however many they are.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{DeliveryResult, ProducerContext};
use tokio::sync::Notify;

use super::observed::Talk;

/// Why a message is not acknowledged.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The broker, or the library for it, says that this message cannot be.
    Refused(String),
    /// Anything else, which may pass.
    Away(String),
}

/// What became of a message.
pub(super) type Outcome = Result<(), Fault>;

/// Refused is what no broker with these settings will ever take. Whoever is not allowed to write,
/// or finds no topic, waits for whoever sets that right.
pub(super) fn fault(error: &KafkaError) -> Fault {
    use RDKafkaErrorCode as Code;
    let refuses = matches!(
        error.rdkafka_error_code(),
        Some(
            Code::MessageSizeTooLarge
                | Code::InvalidMessageSize
                | Code::MessageBatchTooLarge
                | Code::InvalidTimestamp
                | Code::InvalidRecord
                | Code::PolicyViolation
        )
    );
    if refuses {
        Fault::Refused(error.to_string())
    } else {
        Fault::Away(error.to_string())
    }
}

/// Messages that were handed over together, by the order in which they were.
pub(super) struct Round {
    outcomes: Mutex<Vec<Option<Outcome>>>,
    /// Of how many nothing is known yet.
    left: AtomicUsize,
    all_known: Notify,
}

impl Round {
    /// So many, of which nothing is known yet.
    pub(super) fn of(messages: usize) -> Arc<Self> {
        let outcomes = std::iter::repeat_with(|| None).take(messages).collect();
        Arc::new(Self {
            outcomes: Mutex::new(outcomes),
            left: AtomicUsize::new(messages),
            all_known: Notify::new(),
        })
    }

    fn outcomes(&self) -> MutexGuard<'_, Vec<Option<Outcome>>> {
        self.outcomes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes what became of a message; each is heard of once.
    pub(super) fn note(&self, place: usize, outcome: Outcome) {
        if let Some(slot) = self.outcomes().get_mut(place) {
            *slot = Some(outcome);
        }
        if self.left.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.all_known.notify_one();
        }
    }

    /// Waits until something is known of every message. Dropping the future loses nothing.
    pub(super) async fn known(&self) {
        while self.left.load(Ordering::Acquire) > 0 {
            self.all_known.notified().await;
        }
    }

    /// What is known by now; none of a message that nobody was heard of.
    pub(super) fn take(&self) -> Vec<Option<Outcome>> {
        std::mem::take(&mut self.outcomes())
    }
}

/// What the library carries beside a message, and gives back when it knows what became of it.
pub(super) struct Ticket {
    pub(super) round: Arc<Round>,
    pub(super) place: usize,
}

impl ProducerContext for Talk {
    type DeliveryOpaque = Box<Ticket>;

    fn delivery(&self, result: &DeliveryResult<'_>, ticket: Box<Ticket>) {
        let outcome = match result {
            Ok(_) => Ok(()),
            Err((error, _)) => Err(fault(error)),
        };
        ticket.round.note(ticket.place, outcome);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::time::timeout;

    const SOON: Duration = Duration::from_millis(20);

    fn away() -> Fault {
        Fault::Away("away".to_owned())
    }

    #[tokio::test]
    async fn a_round_is_known_when_each_of_its_messages_is() {
        let round = Round::of(2);
        round.note(1, Err(away()));
        assert!(timeout(SOON, round.known()).await.is_err(), "one is left");
        round.note(0, Ok(()));
        timeout(SOON, round.known()).await.unwrap();
        assert_eq!(round.take(), [Some(Ok(())), Some(Err(away()))]);
    }

    #[tokio::test]
    async fn who_waits_already_is_woken() {
        let round = Round::of(1);
        let note = async {
            tokio::task::yield_now().await;
            round.note(0, Ok(()));
        };
        let both = async { tokio::join!(round.known(), note) };
        timeout(SOON, both).await.unwrap();
    }

    #[tokio::test]
    async fn nothing_is_waited_for_where_nothing_was_handed_over() {
        timeout(SOON, Round::of(0).known()).await.unwrap();
    }

    #[test]
    fn of_what_was_not_heard_of_nothing_is_known() {
        let round = Round::of(2);
        round.note(0, Ok(()));
        assert_eq!(round.take(), [Some(Ok(())), None]);
        round.note(1, Ok(()));
    }
}
