//! Owns one run: who writes events, two processes that tell of them, what goes wrong, and what is
//! found wrong in the end.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use application::events::{Bell, Bench, Pace, Readership, Sequencer, replay};
use application::memory::Memory;
use application::ports::store::Feed as _;
use application::ports::{Clock, Ids};
use chrono::{DateTime, TimeDelta};
use domain::Timestamp;
use domain::change::Change;
use domain::event::{Hash, Kind, PaymentEvent};
use domain::feed::Subject;
use domain::id::{BillingKeyId, MerchantId, PaymentId, RawId, SubscriptionId, WorkerId};
use domain::member_event::{self, Facts, MemberEvent};
use domain::payment::PayStatus;
use domain::principal::{Actor, Mode, Scope};
use domain::subscription::Deed;
use domain::trace::Trace;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::bugs::Bug;
use crate::life::{End, Life};
use crate::sink::{Notebook, READER, Telling};
use crate::store::Mortal;

const SUBJECTS: u128 = 4;
const EVENTS: i64 = 5;
const ROWS: u32 = 3;
/// When nobody can be told for a while: just before the second burst.
const OUTAGE_AFTER: Duration = Duration::from_millis(10_500);
/// How long everything may take, all pauses included.
const SETTLED: Duration = Duration::from_secs(45);

/// What goes wrong in a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trouble {
    /// What happens to the first process, at which of its points.
    pub(crate) end: Option<(u32, End)>,
    /// Whether nobody can be told for a while.
    pub(crate) outage: bool,
    /// Whether one event cannot be taken.
    pub(crate) poison: bool,
}

impl Trouble {
    pub(crate) const fn all(end: Option<(u32, End)>) -> Self {
        Self {
            end,
            outage: true,
            poison: true,
        }
    }
}

/// What a run came to.
#[derive(Debug)]
pub(crate) struct Judged {
    /// What must not be.
    pub(crate) wrong: Vec<String>,
    /// Whether the first process came to its end.
    pub(crate) was_reached: bool,
    /// How many events were taken again.
    pub(crate) again: usize,
}

struct Virtual(Instant);

impl Clock for Virtual {
    fn now(&self) -> Timestamp {
        let passed = self.0.elapsed();
        let start = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        start + TimeDelta::microseconds(i64::try_from(passed.as_micros()).unwrap())
    }
}

struct Counted(AtomicU64);

impl Ids for Counted {
    fn draw(&self) -> RawId {
        RawId::from_parts(1, u128::from(self.0.fetch_add(1, Ordering::Relaxed)))
    }

    fn secret(&self) -> String {
        self.draw().to_string()
    }
}

/// Payments, subscriptions and cards in turn: what events are of.
fn subject(number: u128) -> Subject {
    let raw = RawId::from_parts(7, number);
    match number % 3 {
        0 => Subject::Payment(PaymentId::new(raw)),
        1 => Subject::Member(member_event::Subject::Subscription(SubscriptionId::new(
            raw,
        ))),
        _ => Subject::Member(member_event::Subject::BillingKey(BillingKeyId::new(raw))),
    }
}

/// The event that cannot be taken.
fn poisoned() -> (Subject, i64) {
    (subject(2), 2)
}

fn event(subject: Subject, sequence: i64) -> Change {
    let first = sequence == 1;
    let scope = Scope {
        merchant: MerchantId::new(RawId::from_parts(1, 1)),
        mode: Mode::Test,
    };
    let payment = match subject {
        Subject::Payment(payment) => payment,
        Subject::Member(subject) => {
            return Change::AppendMemberEvent(Box::new(MemberEvent {
                scope,
                subject,
                sequence,
                kind: member_event::Kind::Subscription(Deed::Paid),
                from: (!first).then_some("ACTIVE"),
                to: "ACTIVE",
                actor: Actor::Gateway,
                member: "member-1".parse().unwrap(),
                trace: Trace::NONE,
                at: DateTime::from_timestamp(1_800_000_000, 0).unwrap(),
                payload: Facts::default(),
            }));
        }
    };
    Change::AppendEvent(Box::new(PaymentEvent {
        scope,
        payment,
        sequence,
        kind: if first {
            Kind::Prepared
        } else {
            Kind::WindowReopened
        },
        from: (!first).then_some(PayStatus::Ready),
        to: PayStatus::Ready,
        actor: Actor::Merchant,
        reason: None,
        trace: Trace::begun(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef),
        at: DateTime::from_timestamp(1_800_000_000, 0).unwrap(),
        payload: b"{}".to_vec(),
        previous: Hash::GENESIS,
        hash: Hash::GENESIS,
    }))
}

/// How long before an event nothing happens. Ten come at once, more than are told in one go; then
/// five; and the others one by one while a process that froze in between goes on.
const fn pause_before(written: usize) -> Duration {
    match written {
        10 => Duration::from_secs(11),
        15 => Duration::from_secs(3),
        16.. => Duration::from_millis(900),
        _ => Duration::ZERO,
    }
}

struct World {
    memory: Arc<Memory>,
    clock: Arc<Virtual>,
    ids: Arc<Counted>,
    notebook: Arc<Notebook>,
    begun: Instant,
    trouble: Trouble,
    bug: Option<Bug>,
}

impl World {
    /// A process, until it dies; what it does is dropped then.
    fn process(
        &self,
        life: &Arc<Life>,
        bell: &Arc<Bell>,
        drain: &CancellationToken,
    ) -> JoinSet<()> {
        let bench = Bench {
            store: Arc::new(Mortal {
                memory: Arc::clone(&self.memory),
                life: Arc::clone(life),
                bug: self.bug,
                notebook: Arc::clone(&self.notebook),
            }),
            clock: Arc::<Virtual>::clone(&self.clock),
            ids: Arc::<Counted>::clone(&self.ids),
            worker: WorkerId::new(self.ids.draw()),
            bell: Arc::clone(bell),
            pace: Pace {
                lease: Duration::from_secs(6),
                poll: Duration::from_millis(500),
                pause_max: Duration::from_secs(5),
                rows: ROWS,
            },
            drain: drain.clone(),
        };
        let outage = (self.begun + OUTAGE_AFTER, Duration::from_secs(3));
        let sink = Arc::new(Telling {
            notebook: Arc::clone(&self.notebook),
            life: Arc::clone(life),
            away: self.trouble.outage.then_some(outage),
            bug: self.bug,
            promised: Mutex::default(),
        });
        let mut tasks = JoinSet::new();
        let sequencer = Sequencer::new(bench.clone());
        tasks.spawn(async move { sequencer.run().await });
        let readership = Readership::new(bench, sink);
        tasks.spawn(async move { readership.run().await });
        tasks
    }

    /// Appends every event, a few at a time, for as long as things go wrong.
    async fn write(&self, bell: &Bell) {
        let events = (1..=EVENTS).flat_map(|sequence| {
            let subjects = 0..SUBJECTS;
            subjects.map(move |number| (number, sequence))
        });
        for (written, (number, sequence)) in events.enumerate() {
            sleep(pause_before(written)).await;
            self.memory
                .commit_now(&[event(subject(number), sequence)])
                .unwrap();
            bell.ring();
        }
    }

    fn taken(&self) -> Vec<(Subject, i64)> {
        self.notebook.taken.lock().unwrap().clone()
    }

    /// What may be taken again: what was taken and lies behind the cursor.
    async fn exposed(&self) -> BTreeSet<(Subject, i64)> {
        let cursor = self.memory.cursor(&READER).await.unwrap();
        let done = cursor.map_or(0, |cursor| cursor.position);
        let places = self.memory.all_places().into_iter();
        let behind = places.filter(|place| place.position > done);
        let behind: BTreeSet<_> = behind
            .map(|place| (place.subject, place.sequence))
            .collect();
        self.taken()
            .into_iter()
            .filter(|event| behind.contains(event))
            .collect()
    }

    async fn run(&self) -> Judged {
        let (life, drain) = (Life::with(self.trouble.end), CancellationToken::new());
        let (bell, other_bell) = (Arc::new(Bell::default()), Arc::new(Bell::default()));
        let mut first = self.process(&life, &bell, &drain);
        let second = async {
            sleep(Duration::from_secs(1)).await;
            self.process(&Life::with(None), &other_bell, &drain)
        };
        let death = async {
            life.dead.cancelled().await;
            self.exposed().await
        };
        let death = timeout(SETTLED, death);
        let (mut second, (), exposed) = tokio::join!(second, self.write(&bell), death);
        let exposed = exposed.unwrap_or_default();
        sleep(SETTLED).await;
        let mut wrong = self.breaches(self.trouble.poison).await;
        if self.trouble.poison {
            *self.notebook.poison.lock().unwrap() = None;
            let (subject, _) = poisoned();
            if let Err(error) = replay(self.memory.as_ref(), &READER, subject).await {
                wrong.push(format!("not tried again: {error}"));
            }
            sleep(SETTLED).await;
            wrong.extend(self.breaches(false).await);
        }
        let again = self.again();
        let died = matches!(self.trouble.end, Some((_, End::Dies)) | None);
        if died && !again.iter().all(|event| exposed.contains(event)) {
            wrong.push(format!(
                "taken again without need: {again:?}, exposed {exposed:?}"
            ));
        }
        if life.moves_without_fence() > 0 {
            wrong.push("positions were given without the fence".to_owned());
        }
        first.abort_all();
        drain.cancel();
        while second.join_next().await.is_some() {}
        Judged {
            wrong,
            was_reached: life.is_over(),
            again: again.len(),
        }
    }

    fn again(&self) -> Vec<(Subject, i64)> {
        let mut seen = BTreeSet::new();
        let mut taken = self.taken();
        taken.retain(|event| !seen.insert(*event));
        taken
    }

    /// Everything that must not be, as of now.
    async fn breaches(&self, is_poisoned: bool) -> Vec<String> {
        let mut wrong = Vec::new();
        let places = self.memory.all_places();
        let positions: Vec<i64> = places.iter().map(|place| place.position).collect();
        let count = i64::try_from(positions.len()).unwrap();
        if positions != (1..=count).collect::<Vec<_>>() || count != 20 {
            wrong.push(format!("positions {positions:?}"));
        }
        let mut last: BTreeMap<Subject, i64> = BTreeMap::new();
        for (subject, sequence) in self.taken() {
            let last = last.entry(subject).or_default();
            if sequence > *last + 1 {
                wrong.push(format!("{subject}: {sequence} after {last}"));
            }
            *last = sequence.max(*last);
        }
        for number in 0..SUBJECTS {
            let id = subject(number);
            let until = last.get(&id).copied().unwrap_or_default();
            let (poisoned, sequence) = poisoned();
            let expected = if is_poisoned && id == poisoned {
                sequence - 1
            } else {
                EVENTS
            };
            if until != expected {
                wrong.push(format!("{id}: told until {until}, not until {expected}"));
            }
        }
        let parked = self.memory.parked(&READER, 0, 99).await.unwrap();
        let parked: Vec<i64> = parked.iter().map(|parked| parked.sequence).collect();
        let expected: &[i64] = if is_poisoned { &[2, 3, 4, 5] } else { &[] };
        if parked != expected {
            wrong.push(format!("parked {parked:?}, not {expected:?}"));
        }
        wrong
    }
}

/// What is wrong after a run.
pub(crate) fn breaches(trouble: Trouble, bug: Option<Bug>) -> Judged {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        let clock = Arc::new(Virtual(Instant::now()));
        let notebook = Arc::new(Notebook::default());
        *notebook.poison.lock().unwrap() = trouble.poison.then(poisoned);
        let world = World {
            memory: Arc::new(Memory::new(Arc::<Virtual>::clone(&clock))),
            clock,
            ids: Arc::new(Counted(AtomicU64::new(1))),
            notebook,
            begun: Instant::now(),
            trouble,
            bug,
        };
        world.run().await
    })
}
