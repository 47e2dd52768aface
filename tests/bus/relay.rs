//! The reader, the relay and Kafka's adapter together, over a broker that errs: several tellings
//! are under way at once, and yet nothing is lost or passes anything of its payment, and an event
//! that no broker takes parks its own payment alone.

use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use application::events::{Bell, Bench, Pace, Readership, Sequencer};
use application::memory::Memory;
use application::ports::bus::{BusAway, Group, Message, Receipt, Received, Subscription, Topic};
use application::ports::sink::Begin;
use application::ports::store::Feed as _;
use application::ports::{Bus, Clock, Ids};
use application::relay::Relay;
use async_trait::async_trait;
use domain::Timestamp;
use domain::change::Change;
use domain::event::{Hash, Kind, PaymentEvent};
use domain::feed::{Reader, Subject};
use domain::id::{MerchantId, PaymentId, RawId, SubscriptionId, WorkerId};
use domain::member_event::{self, Facts, MemberEvent};
use domain::payment::PayStatus;
use domain::principal::{Actor, Mode, Scope};
use domain::subscription::Deed;
use domain::trace::Trace;
use payflow::adapters::kafka::Kafka;
use rdkafka::mocking::MockCluster;
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::rig::{Counts, LONG, Mock, join, mock, mock_settings};

static READER: Reader = Reader::named("kafka");

/// Every broker of the cluster.
const ALL: i32 = -1;

struct Noon;

impl Clock for Noon {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }
}

#[derive(Default)]
struct Counted(AtomicU64);

impl Ids for Counted {
    fn draw(&self) -> RawId {
        RawId::from_parts(1, u128::from(self.0.fetch_add(1, Ordering::Relaxed)))
    }

    fn secret(&self) -> String {
        self.draw().to_string()
    }
}

struct Rig {
    mock: Mock,
    bus: Arc<Kafka>,
    memory: Arc<Memory>,
    bell: Arc<Bell>,
    drain: CancellationToken,
    tasks: TaskTracker,
}

fn payment(number: u128) -> PaymentId {
    PaymentId::new(RawId::from_parts(7, number))
}

fn subscription(number: u128) -> SubscriptionId {
    SubscriptionId::new(RawId::from_parts(8, number))
}

impl Rig {
    /// Positions are given and events are told from here on.
    fn start() -> Self {
        let mock: MockCluster<_> = mock();
        let bus = Kafka::new(mock_settings(&mock), Arc::<Counts>::default());
        let mut rig = Self {
            mock,
            bus: Arc::new(bus),
            memory: Arc::new(Memory::new(Arc::new(Noon))),
            bell: Arc::default(),
            drain: CancellationToken::new(),
            tasks: TaskTracker::new(),
        };
        let bus: Arc<dyn Bus> = Arc::<Kafka>::clone(&rig.bus);
        rig.begin(bus);
        rig
    }

    /// As a process does that begins now.
    fn begin(&mut self, bus: Arc<dyn Bus>) {
        self.drain = CancellationToken::new();
        self.tasks = TaskTracker::new();
        let ids: Arc<dyn Ids> = Arc::<Counted>::default();
        let bench = Bench {
            store: Arc::<Memory>::clone(&self.memory),
            clock: Arc::new(Noon),
            worker: WorkerId::new(ids.draw()),
            ids,
            bell: Arc::clone(&self.bell),
            pace: Pace {
                lease: Duration::from_secs(6),
                poll: Duration::from_millis(50),
                pause_max: Duration::from_millis(300),
                rows: 10,
            },
            drain: self.drain.clone(),
        };
        let relay = Relay::new(bus, Arc::<Memory>::clone(&self.memory));
        let sequencer = Sequencer::new(bench.clone());
        let readership = Readership::new(bench, Arc::new(relay));
        self.tasks.spawn(async move { sequencer.run().await });
        self.tasks.spawn(async move { readership.run().await });
    }

    fn append(&self, number: u128, sequence: i64, payload: Vec<u8>) {
        let event = PaymentEvent {
            scope: Scope {
                merchant: MerchantId::new(RawId::from_parts(1, 1)),
                mode: Mode::Test,
            },
            payment: payment(number),
            sequence,
            kind: if sequence == 1 {
                Kind::Prepared
            } else {
                Kind::WindowReopened
            },
            from: (sequence > 1).then_some(PayStatus::Ready),
            to: PayStatus::Ready,
            actor: Actor::Merchant,
            reason: None,
            trace: Trace::begun(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef),
            at: Timestamp::UNIX_EPOCH,
            payload,
            previous: Hash::GENESIS,
            hash: Hash::GENESIS,
        };
        let appended = Change::AppendEvent(Box::new(event));
        self.memory.commit_now(&[appended]).expect("appended");
        self.bell.ring();
    }

    fn append_of_subscription(&self, number: u128, sequence: i64) {
        let event = MemberEvent {
            scope: Scope {
                merchant: MerchantId::new(RawId::from_parts(1, 1)),
                mode: Mode::Test,
            },
            subject: member_event::Subject::Subscription(subscription(number)),
            sequence,
            kind: member_event::Kind::Subscription(Deed::Paid),
            from: (sequence > 1).then_some("ACTIVE"),
            to: "ACTIVE",
            actor: Actor::Gateway,
            member: format!("member-{number}").parse().expect("a member"),
            trace: Trace::begun(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef),
            at: Timestamp::UNIX_EPOCH,
            payload: Facts::default(),
        };
        let appended = Change::AppendMemberEvent(Box::new(event));
        self.memory.commit_now(&[appended]).expect("appended");
        self.bell.ring();
    }

    /// Reads until each of so many subscriptions was told of up to there, in its order.
    async fn told_of_subscriptions(&self, count: u128, until: i64) {
        let topic = Topic::BillingEvents;
        let member = self.bus.subscribe(Group("billing"), topic);
        let mut member = member.expect("a member of the group");
        let mut last: BTreeMap<String, i64> = BTreeMap::new();
        let reading = async {
            let whole = usize::try_from(count).expect("few");
            while last.values().filter(|last| **last == until).count() < whole {
                let received = member.next().await.expect("a message");
                let id = header(&received, "ce_id");
                let trace = header(&received, "traceparent");
                assert!(
                    trace.starts_with("00-0123456789abcdef0123456789abcdef-"),
                    "{trace}"
                );
                drop(member.done().await);
                let (subject, sequence) = id.split_once('/').expect("both parts");
                assert_eq!(received.key.as_deref(), Some(subject.as_bytes()));
                let sequence: i64 = sequence.parse().expect("a number");
                let last = last.entry(subject.to_owned()).or_insert(0);
                if sequence > *last {
                    assert_eq!(sequence, *last + 1, "one of {subject} is missing before it");
                    *last = sequence;
                }
            }
        };
        let read = timeout(LONG * 2, reading).await;
        assert!(read.is_ok(), "not everything came");
    }

    /// What came until each payment was told of up to there; the last sequences, in order.
    async fn told_until(&self, wanted: &[(u128, i64)]) -> Vec<(PaymentId, i64)> {
        let mut member = join(self.bus.as_ref(), "readers");
        let (mut came, mut last) = (Vec::new(), BTreeMap::new());
        let whole = |last: &BTreeMap<PaymentId, i64>| {
            let mut wanted = wanted.iter();
            wanted.all(|(number, sequence)| last.get(&payment(*number)) == Some(sequence))
        };
        let reading = async {
            while !whole(&last) {
                let received = member.next().await.expect("a message");
                let (payment, sequence) = id(&received);
                drop(member.done().await);
                let last = last.entry(payment).or_insert(0);
                if sequence > *last {
                    assert_eq!(sequence, *last + 1, "one of {payment} is missing before it");
                    *last = sequence;
                }
                came.push((payment, sequence));
            }
        };
        let read = timeout(LONG * 2, reading).await;
        assert!(read.is_ok(), "not everything came");
        came
    }

    async fn cursor(&self) -> i64 {
        let cursor = self.memory.cursor(&READER).await.expect("a store");
        cursor.map_or(0, |cursor| cursor.position)
    }

    async fn stop(&self) {
        self.drain.cancel();
        self.tasks.close();
        timeout(LONG, self.tasks.wait()).await.expect("an end");
    }
}

pub(crate) fn header(received: &Received, wanted: &str) -> String {
    let mut headers = received.headers.iter();
    let found = headers.find(|(name, _)| name == wanted).expect("a header");
    String::from_utf8(found.1.clone().expect("a value").into_owned()).expect("text")
}

fn id(received: &Received) -> (PaymentId, i64) {
    let id = header(received, "ce_id");
    let (payment, sequence) = id.split_once('/').expect("both parts");
    let payment = payment.parse().expect("a payment");
    (payment, sequence.parse().expect("a number"))
}

/// Stands where the broker stood, and takes what that did not.
#[derive(Default)]
struct Newer(Mutex<Vec<String>>);

#[async_trait]
impl Bus for Newer {
    fn reader(&self) -> Reader {
        READER.clone()
    }

    fn begin(&self) -> Begin {
        Begin::Start
    }

    async fn publish(&self, messages: &[Message]) -> Vec<Receipt> {
        let ids = messages.iter().map(|message| {
            let id = message.headers.iter().find(|(name, _)| name == "ce_id");
            let id = id.and_then(|(_, id)| id.clone()).expect("an id");
            String::from_utf8(id.into_owned()).expect("text")
        });
        self.0.lock().expect("nobody panics").extend(ids);
        vec![Receipt::Acknowledged; messages.len()]
    }

    fn subscribe(&self, _: Group, _: Topic) -> Result<Box<dyn Subscription>, BusAway> {
        Err(BusAway("nobody listens".to_owned()))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn poison_parks_its_own_payment_alone_until_somebody_can_take_it() {
    let mut rig = Rig::start();
    let large = format!(r#"{{"orderId":"{}"}}"#, "x".repeat(2_000_000));
    for sequence in 1..=4 {
        for number in 0..6 {
            let poison = (number, sequence) == (3, 2);
            let payload = if poison { large.as_str() } else { "{}" };
            rig.append(number, sequence, payload.as_bytes().to_vec());
        }
    }
    let wanted = [(0, 4), (1, 4), (2, 4), (3, 1), (4, 4), (5, 4)];
    rig.told_until(&wanted).await;
    let settled = async {
        while rig.cursor().await < 24 {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(LONG, settled).await.expect("the cursor goes on");
    let parked = rig.memory.parked(&READER, 0, 99).await.expect("a store");
    let places: Vec<_> = parked
        .iter()
        .map(|parked| (parked.subject, parked.sequence))
        .collect();
    let three = payment(3);
    let its = |sequence| (Subject::Payment(three), sequence);
    assert_eq!(places, [its(2), its(3), its(4)]);
    rig.stop().await;
    let newer = Arc::<Newer>::default();
    let bus: Arc<dyn Bus> = Arc::<Newer>::clone(&newer);
    rig.begin(bus);
    let told = async {
        while !rig
            .memory
            .parked(&READER, 0, 1)
            .await
            .expect("a store")
            .is_empty()
        {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(LONG, told).await.expect("nobody had to ask");
    let wanted = [2, 3, 4].map(|sequence| format!("{three}/{sequence}"));
    assert_eq!(*newer.0.lock().expect("nobody panics"), wanted);
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn read_ahead_through_a_storm_turns_nothing_round() {
    use RDKafkaRespErr as E;
    const PAYMENTS: u128 = 12;
    const SUBSCRIPTIONS: u128 = 3;
    const EACH: i64 = 40;
    let rig = Rig::start();
    let storm = async {
        for round in 0..9 {
            match round % 3 {
                0 => rig.mock.request_errors(
                    RDKafkaApiKey::Produce,
                    &[E::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED; 2],
                ),
                1 => {
                    rig.mock.broker_down(ALL).expect("down");
                    sleep(Duration::from_millis(200)).await;
                    rig.mock.broker_up(ALL).expect("up");
                }
                _ => {
                    let late = Duration::from_millis(2_200);
                    rig.mock.broker_round_trip_time(ALL, late).expect("slow");
                    sleep(Duration::from_millis(300)).await;
                    let at_once = Duration::ZERO;
                    rig.mock.broker_round_trip_time(ALL, at_once).expect("fast");
                }
            }
            sleep(Duration::from_millis(200)).await;
        }
    };
    let writing = async {
        for sequence in 1..=EACH {
            for number in 0..PAYMENTS {
                rig.append(number, sequence, b"{}".to_vec());
            }
            for number in 0..SUBSCRIPTIONS {
                rig.append_of_subscription(number, sequence);
            }
            sleep(Duration::from_millis(80)).await;
        }
    };
    tokio::join!(storm, writing);
    let wanted: Vec<(u128, i64)> = (0..PAYMENTS).map(|number| (number, EACH)).collect();
    let came = rig.told_until(&wanted).await;
    rig.told_of_subscriptions(SUBSCRIPTIONS, EACH).await;
    let different: HashSet<_> = came.iter().collect();
    let all = usize::try_from(PAYMENTS).expect("few") * usize::try_from(EACH).expect("few");
    assert_eq!(different.len(), all);
    let parked = rig.memory.parked(&READER, 0, 9).await.expect("a store");
    assert!(parked.is_empty(), "an outage parks nothing");
    rig.stop().await;
}
