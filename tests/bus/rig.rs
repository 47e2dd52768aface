//! Owns what the tests work with: buses, messages that can be told apart, and reading what came.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use application::ports::Bus;
use application::ports::bus::{Group, Message, Receipt, Received, Topic};
use payflow::adapters::in_process::InProcess;
use payflow::adapters::kafka::{Kafka, Observer, Settings, Told, create_topics};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;

use crate::broker::Broker;

/// Longer than anything may take that is expected to happen.
pub(crate) const LONG: Duration = Duration::from_secs(40);

/// A cluster inside this process, which errs as it is told.
pub(crate) type Mock = MockCluster<'static, DefaultProducerContext>;

/// What was counted.
#[derive(Default)]
pub(crate) struct Counts {
    pub(crate) acknowledged: AtomicUsize,
    pub(crate) refused: AtomicUsize,
    pub(crate) away: AtomicBool,
    pub(crate) times_away: AtomicUsize,
}

impl Observer for Counts {
    fn published(&self, _: Topic, told: Told, count: u32, _: Duration) {
        let count = usize::try_from(count).expect("a few");
        match told {
            Told::Acknowledged => self.acknowledged.fetch_add(count, Ordering::Relaxed),
            Told::Refused => self.refused.fetch_add(count, Ordering::Relaxed),
            Told::Away => 0,
        };
    }

    fn is_away(&self, away: bool) {
        self.away.store(away, Ordering::Relaxed);
        self.times_away
            .fetch_add(usize::from(away), Ordering::Relaxed);
    }
}

pub(crate) fn settings(brokers: &str) -> Settings {
    Settings {
        brokers: brokers.to_owned(),
        delivery_timeout: Duration::from_secs(2),
        linger: Duration::from_millis(1),
        session_timeout: Duration::from_secs(1),
        partitions: 3,
        replication: 0,
        properties: BTreeMap::new(),
    }
}

/// A bus under test.
pub(crate) struct Tested {
    pub(crate) bus: Arc<dyn Bus>,
    _mock: Option<Mock>,
    _broker: Option<Broker>,
}

pub(crate) fn in_process() -> Tested {
    Tested {
        bus: Arc::new(InProcess::new(Duration::from_secs(2))),
        _mock: None,
        _broker: None,
    }
}

pub(crate) fn mock() -> Mock {
    let mock = MockCluster::new(1).expect("a cluster");
    for topic in Topic::ALL {
        mock.create_topic(topic.as_str(), 3, 1).expect("a topic");
    }
    mock
}

/// Its groups take three seconds to form, whatever they are told: a session has to be longer.
pub(crate) fn mock_settings(mock: &Mock) -> Settings {
    Settings {
        session_timeout: Duration::from_secs(6),
        ..settings(&mock.bootstrap_servers())
    }
}

pub(crate) fn on_mock() -> Tested {
    let mock = mock();
    Tested {
        bus: Arc::new(Kafka::new(mock_settings(&mock), Arc::<Counts>::default())),
        _mock: Some(mock),
        _broker: None,
    }
}

pub(crate) async fn on_broker() -> Tested {
    let broker = Broker::start();
    let settings = settings(&broker.address());
    create_topics(&settings).await.expect("topics");
    Tested {
        bus: Arc::new(Kafka::new(settings, Arc::<Counts>::default())),
        _mock: None,
        _broker: Some(broker),
    }
}

/// The message number `sequence` of a key.
pub(crate) fn message(key: usize, sequence: usize) -> Message {
    Message {
        topic: Topic::PaymentEvents,
        key: Some(format!("key-{key}").into_bytes()),
        headers: vec![(
            "sequence".into(),
            Some(sequence.to_string().into_bytes().into()),
        )],
        payload: format!("{key}/{sequence} 결제").into_bytes(),
    }
}

/// Some of every key, in order, as payments take turns.
pub(crate) fn messages(keys: usize, each: usize) -> Vec<Message> {
    let rounds = (1..=each).flat_map(|sequence| (0..keys).map(move |key| message(key, sequence)));
    rounds.collect()
}

/// Which message it is.
pub(crate) fn told_apart(received: &Received) -> (String, usize) {
    let key = String::from_utf8(received.key.clone().expect("a key")).expect("a key of ours");
    let (name, sequence) = received.headers.first().expect("a header of ours");
    assert_eq!(name, "sequence");
    let sequence = sequence.clone().expect("a value");
    let sequence = String::from_utf8(sequence.into_owned()).expect("a number");
    let number = key.trim_start_matches("key-");
    let payload = format!("{number}/{sequence} 결제").into_bytes();
    assert_eq!(received.payload, payload, "another body");
    (key, sequence.parse().expect("a number"))
}

/// Publishes as a reader of the feed does: what was not acknowledged again, from there on.
pub(crate) async fn publish_all(bus: &dyn Bus, messages: &[Message]) {
    let mut left: Vec<Message> = messages.to_vec();
    let publishing = async {
        while !left.is_empty() {
            let receipts = bus.publish(&left).await;
            assert_eq!(receipts.len(), left.len(), "a receipt for each");
            let mut kept = receipts.into_iter().map(|receipt| match receipt {
                Receipt::Acknowledged => false,
                Receipt::Away(_) => true,
                Receipt::Refused(why) => panic!("refused: {why}"),
            });
            left.retain(|_| kept.next().expect("as many"));
        }
    };
    let published = tokio::time::timeout(LONG, publishing).await;
    published.expect("published in time");
}

/// Everything that a group is given until it has seen every message of every key, in the order in
/// which it came; each is done.
pub(crate) async fn take_all(
    bus: &dyn Bus,
    group: &'static str,
    keys: usize,
    each: usize,
) -> Vec<(String, usize)> {
    let mut came = Vec::new();
    let mut seen = BTreeMap::new();
    let taking = async {
        let mut member = join(bus, group);
        while seen.values().filter(|sequence| **sequence == each).count() < keys {
            let received = member.next().await.expect("a message");
            let (key, sequence) = told_apart(&received);
            // A member that joins late may have to be given it again: it is done all the same.
            drop(member.done().await);
            seen.entry(key.clone())
                .and_modify(|last: &mut usize| *last = (*last).max(sequence))
                .or_insert(sequence);
            came.push((key, sequence));
        }
    };
    let taken = tokio::time::timeout(LONG, taking).await;
    taken.unwrap_or_else(|_| panic!("not everything came: {seen:?}"));
    came
}

pub(crate) fn join(
    bus: &dyn Bus,
    group: &'static str,
) -> Box<dyn application::ports::bus::Subscription> {
    bus.subscribe(Group(group), Topic::PaymentEvents)
        .expect("a group")
}

/// Whoever skips what it saw before sees every key from 1 on, in order and without gaps. How many
/// came again.
pub(crate) fn assert_ordered(came: &[(String, usize)], keys: usize, each: usize) -> usize {
    let mut last: BTreeMap<&str, usize> = BTreeMap::new();
    let mut again = 0;
    for (key, sequence) in came {
        let last = last.entry(key).or_default();
        if *sequence <= *last {
            again += 1;
            continue;
        }
        assert_eq!(*sequence, *last + 1, "{key}: one is missing before it");
        *last = *sequence;
    }
    assert_eq!(last.len(), keys, "keys are missing");
    assert!(last.values().all(|last| *last == each), "{last:?}");
    again
}
