//! Owns publishing on Kafka: in order per key, and acknowledged only when the broker keeps it.
//!
//! Order rests on five things. The producer is idempotent and retries without end, so a key's
//! messages reach their partition as they were given. A message that the broker refuses ends the
//! producer before a later one passes it (`enable.gapless.guarantee`). Who waits too long gives up
//! the whole producer with everything in it, never a single message, and from then on it takes no
//! more. And what was given up is published again by who asked, from the first message on. Several
//! may publish at once, but never messages that have an order between them.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock as Gate};

use application::ports::Bus;
use application::ports::bus::{BusAway, Group, Message, Receipt, Subscription, Topic};
use application::ports::sink::Begin;
use async_trait::async_trait;
use domain::feed::Reader;
use rdkafka::error::KafkaError;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseRecord, ThreadedProducer};
use tokio::sync::RwLock;
use tokio::time::{Instant, timeout_at};

use super::consumer::Member;
use super::observed::{Observer, Presence, Talk};
use super::round::{Fault, Round, Ticket, fault};
use super::settings::Settings;

/// Who tells the broker of events.
pub static READER: Reader = Reader::named("kafka");

/// Why a message is not acknowledged although nothing is wrong with it.
const FOLLOWS: &str = "an earlier message of its key was not taken";

/// Why nothing is taken any more.
const GIVEN_UP: &str = "the connection was given up";

/// So many may publish at once: as many as fill the time that the broker takes to answer.
const AT_ONCE: usize = 4;

/// The library's producer, until it is given up.
struct Line {
    /// None once it is given up. Who hands messages over holds it open: none of them is the first
    /// that a producer takes after those before it were thrown away.
    library: Gate<Option<ThreadedProducer<Talk>>>,
}

impl Line {
    /// Hands everything to the library; where that was given up, all of it is away.
    fn send_all(&self, messages: &[&Message], round: &Arc<Round>) {
        let open = self.library.read().unwrap_or_else(PoisonError::into_inner);
        match open.as_ref() {
            Some(library) => send_all(library, messages, round),
            None => {
                for place in 0..messages.len() {
                    round.note(place, Err(Fault::Away(GIVEN_UP.to_owned())));
                }
            }
        }
    }

    /// Takes no more from here on, and throws away what is on its way. That takes the library as
    /// long as its threads look names up: nobody waits for it. What it still sends in the meantime
    /// are the next messages of each key, which come again in the same order.
    fn end(&self) {
        let mut open = self.library.write().unwrap_or_else(PoisonError::into_inner);
        let library = open.take();
        drop(open);
        tokio::task::spawn_blocking(move || drop(library));
    }
}

/// The bus on Kafka.
pub struct Kafka {
    settings: Settings,
    presence: Presence,
    line: Mutex<Option<Arc<Line>>>,
    /// Held by everybody who publishes, and alone by who has to be alone.
    company: RwLock<()>,
}

impl Kafka {
    /// Reaches nobody yet.
    #[must_use]
    pub fn new(settings: Settings, observer: Arc<dyn Observer>) -> Self {
        Self {
            settings,
            presence: Presence::new(observer),
            line: Mutex::default(),
            company: RwLock::default(),
        }
    }

    fn slot(&self) -> MutexGuard<'_, Option<Arc<Line>>> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The line to the broker; a new one where the last was given up.
    fn line(&self) -> Result<Arc<Line>, KafkaError> {
        let mut slot = self.slot();
        if let Some(line) = slot.as_ref() {
            return Ok(Arc::clone(line));
        }
        let library = self.settings.producer().create_with_context(Talk)?;
        let library = Gate::new(Some(library));
        let line = Arc::new(Line { library });
        *slot = Some(Arc::clone(&line));
        Ok(line)
    }

    /// Ends the producer with everything that is on its way, also that of others: nothing of it
    /// passes what failed.
    fn give_up(&self, line: &Arc<Line>) {
        self.slot().take_if(|kept| Arc::ptr_eq(kept, line));
        line.end();
    }

    /// Publishes once. What is refused here may have been refused for another's sake: the broker
    /// judges what travels together as one.
    async fn publish_once(&self, messages: &[&Message]) -> Vec<Result<(), Fault>> {
        let line = match self.line() {
            Ok(line) => line,
            Err(error) => {
                let away = |_: &&Message| Err(Fault::Away(error.to_string()));
                return messages.iter().map(away).collect();
            }
        };
        let deadline = Instant::now().checked_add(self.settings.delivery_timeout);
        let deadline = deadline.unwrap_or_else(Instant::now);
        let round = Round::of(messages.len());
        line.send_all(messages, &round);
        #[cfg(feature = "crash-points")]
        application::crash::pass("kafka.after_send");
        // Who waits too long takes what is known by then.
        let _ = timeout_at(deadline, round.known()).await;
        let unknown = || Err(Fault::Away("no acknowledgement in time".to_owned()));
        let known = round.take().into_iter();
        let mut outcomes: Vec<_> = known.map(|known| known.unwrap_or_else(unknown)).collect();
        if outcomes.iter().any(Result::is_err) {
            self.give_up(&line);
        }
        withheld(messages, &mut outcomes);
        outcomes
    }

    /// Whether a message is refused when it travels alone, too.
    async fn publish_alone(&self, message: &Message) -> Receipt {
        let _alone = self.company.write().await;
        let outcome = self.publish_once(&[message]).await.pop();
        match outcome {
            Some(Ok(())) => Receipt::Acknowledged,
            Some(Err(Fault::Refused(why))) => Receipt::Refused(why),
            Some(Err(Fault::Away(why))) => Receipt::Away(why),
            None => Receipt::Away("nothing was sent".to_owned()),
        }
    }
}

/// Where messages keep their order.
type Place<'m> = (Topic, Option<&'m [u8]>);

/// Hands everything to the library, in order; of a key nothing more once something was not taken.
/// What was not handed over is not heard of.
fn send_all(library: &ThreadedProducer<Talk>, messages: &[&Message], round: &Arc<Round>) {
    let mut stopped: HashSet<Place<'_>> = HashSet::new();
    for (place, message) in messages.iter().enumerate() {
        let key = (message.topic, message.key.as_deref());
        if stopped.contains(&key) {
            round.note(place, Err(Fault::Away(FOLLOWS.to_owned())));
            continue;
        }
        let round = Arc::clone(round);
        let ticket = Box::new(Ticket { round, place });
        let record = BaseRecord {
            key: message.key.as_deref(),
            ..BaseRecord::with_opaque_to(message.topic.as_str(), ticket)
                .payload(message.payload.as_slice())
                .headers(headers(message))
        };
        if let Err((error, record)) = library.send(record) {
            stopped.insert(key);
            record.delivery_opaque.round.note(place, Err(fault(&error)));
        }
    }
}

fn headers(message: &Message) -> OwnedHeaders {
    let none = OwnedHeaders::new_with_capacity(message.headers.len());
    message.headers.iter().fold(none, |headers, (key, value)| {
        let value = value.as_deref();
        headers.insert(Header { key, value })
    })
}

/// What was acknowledged behind a message of its key that was not counts for nothing.
fn withheld(messages: &[&Message], outcomes: &mut [Result<(), Fault>]) {
    let mut stopped: HashSet<Place<'_>> = HashSet::new();
    for (message, outcome) in messages.iter().zip(outcomes) {
        let place = (message.topic, message.key.as_deref());
        if stopped.contains(&place) {
            *outcome = Err(Fault::Away(FOLLOWS.to_owned()));
        } else if outcome.is_err() {
            stopped.insert(place);
        }
    }
}

#[async_trait]
impl Bus for Kafka {
    fn reader(&self) -> Reader {
        READER.clone()
    }

    fn begin(&self) -> Begin {
        Begin::Start
    }

    fn at_once(&self) -> usize {
        AT_ONCE
    }

    async fn publish(&self, messages: &[Message]) -> Vec<Receipt> {
        let begun = Instant::now();
        let all: Vec<&Message> = messages.iter().collect();
        let outcomes = {
            let _company = self.company.read().await;
            self.publish_once(&all).await
        };
        let mut receipts = Vec::with_capacity(outcomes.len());
        for (message, outcome) in all.iter().zip(outcomes) {
            receipts.push(match outcome {
                Ok(()) => Receipt::Acknowledged,
                Err(Fault::Away(why)) => Receipt::Away(why),
                // Every earlier one of its key was acknowledged, every later one withheld.
                Err(Fault::Refused(_)) => self.publish_alone(message).await,
            });
        }
        let took = begun.elapsed();
        self.presence.count(messages, &receipts, took);
        let away = receipts.iter().find_map(|receipt| match receipt {
            Receipt::Away(why) => Some(why),
            Receipt::Acknowledged | Receipt::Refused(_) => None,
        });
        match away {
            Some(why) => self.presence.is_away(why),
            None if receipts.is_empty() => {}
            None => self.presence.is_back(),
        }
        receipts
    }

    fn subscribe(&self, group: Group, topic: Topic) -> Result<Box<dyn Subscription>, BusAway> {
        Ok(Box::new(Member::join(&self.settings, group, topic)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rdkafka::ClientConfig;

    fn message(key: &[u8]) -> Message {
        Message {
            topic: Topic::PaymentEvents,
            key: Some(key.to_vec()),
            headers: Vec::new(),
            payload: b"{}".to_vec(),
        }
    }

    #[tokio::test]
    async fn what_was_given_up_takes_no_more_and_tells_what_it_had() {
        let nobody = ClientConfig::new()
            .set("bootstrap.servers", "127.0.0.1:1")
            .create_with_context(Talk)
            .unwrap();
        let line = Line {
            library: Gate::new(Some(nobody)),
        };
        let (before, after) = (message(b"a"), message(b"a"));
        let first = Round::of(1);
        line.send_all(&[&before], &first);
        line.end();
        let second = Round::of(1);
        line.send_all(&[&after], &second);
        second.known().await;
        let given_up = Fault::Away(GIVEN_UP.to_owned());
        assert_eq!(second.take(), [Some(Err(given_up))], "it passes nothing");
        first.known().await;
        assert!(matches!(first.take()[..], [Some(Err(Fault::Away(_)))]));
    }
}
