//! Owns the bus without a broker: who takes messages is in this process, and a message is
//! acknowledged when every group has done it.
//!
//! Nothing is kept here, and nothing is lost: what was not acknowledged is told again from the log.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use application::ports::Bus;
use application::ports::bus::{BusAway, Group, Message, Receipt, Received, Subscription, Topic};
use application::ports::sink::Begin;
use async_trait::async_trait;
use domain::feed::Reader;
use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, timeout_at};

static READER: Reader = Reader::named("in-process");

/// The bus in this process.
pub struct InProcess {
    /// How long a message waits for every group to have done it.
    patience: Duration,
    groups: Mutex<HashMap<(Topic, Group), Arc<Queue>>>,
}

/// What a group has not done yet; it outlives its members.
#[derive(Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    arrived: Notify,
}

#[derive(Default)]
struct Waiting {
    /// How many there have been.
    count: u64,
    items: VecDeque<Item>,
}

struct Item {
    number: u64,
    message: Received,
    /// Closed when whoever published it has given up.
    taken: oneshot::Sender<()>,
}

/// A member of a group.
struct Member {
    queue: Arc<Queue>,
    /// Which one came last.
    last: Option<u64>,
}

impl InProcess {
    /// Nobody takes anything yet.
    #[must_use]
    pub fn new(patience: Duration) -> Self {
        Self {
            patience,
            groups: Mutex::default(),
        }
    }

    fn queues(&self, topic: Topic) -> Vec<Arc<Queue>> {
        let groups = self.groups.lock().unwrap_or_else(PoisonError::into_inner);
        let of_topic = groups.iter().filter(|((of, _), _)| *of == topic);
        of_topic.map(|(_, queue)| Arc::clone(queue)).collect()
    }
}

impl Queue {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, message: &Message) -> oneshot::Receiver<()> {
        let (taken, done) = oneshot::channel();
        let mut waiting = self.waiting();
        waiting.items.retain(|item| !item.taken.is_closed());
        waiting.count = waiting.count.wrapping_add(1);
        let number = waiting.count;
        let topic = message.topic;
        waiting.items.push_back(Item {
            number,
            message: Received {
                topic,
                key: message.key.clone(),
                headers: message.headers.clone(),
                payload: message.payload.clone(),
                place: format!("{topic}/{number}"),
            },
            taken,
        });
        drop(waiting);
        self.arrived.notify_one();
        done
    }

    /// The first that somebody still wants to be done.
    fn first(&self) -> Option<(u64, Received)> {
        let mut waiting = self.waiting();
        waiting.items.retain(|item| !item.taken.is_closed());
        let first = waiting.items.front()?;
        Some((first.number, first.message.clone()))
    }

    fn take(&self, number: u64) -> Option<Item> {
        let mut waiting = self.waiting();
        let is_first = |item: &Item| item.number == number;
        if waiting.items.front().is_some_and(is_first) {
            return waiting.items.pop_front();
        }
        None
    }
}

#[async_trait]
impl Subscription for Member {
    async fn next(&mut self) -> Result<Received, BusAway> {
        loop {
            if let Some((number, message)) = self.queue.first() {
                self.last = Some(number);
                return Ok(message);
            }
            self.queue.arrived.notified().await;
        }
    }

    async fn done(&mut self) -> Result<(), BusAway> {
        let item = self.last.take().and_then(|number| self.queue.take(number));
        if let Some(item) = item {
            // Who published it may have given up meanwhile; it comes again then.
            let _ = item.taken.send(());
        }
        Ok(())
    }
}

#[async_trait]
impl Bus for InProcess {
    fn reader(&self) -> Reader {
        READER.clone()
    }

    fn begin(&self) -> Begin {
        Begin::Now
    }

    async fn publish(&self, messages: &[Message]) -> Vec<Receipt> {
        let now = Instant::now();
        let deadline = now.checked_add(self.patience).unwrap_or(now);
        let pushed: Vec<Vec<oneshot::Receiver<()>>> = messages
            .iter()
            .map(|message| {
                let queues = self.queues(message.topic);
                queues.iter().map(|queue| queue.push(message)).collect()
            })
            .collect();
        let mut receipts = Vec::with_capacity(messages.len());
        for groups in pushed {
            let mut receipt = Receipt::Acknowledged;
            for done in groups {
                if !matches!(timeout_at(deadline, done).await, Ok(Ok(()))) {
                    receipt = Receipt::Away("a group has not done it in time".to_owned());
                }
            }
            receipts.push(receipt);
        }
        receipts
    }

    fn subscribe(&self, group: Group, topic: Topic) -> Result<Box<dyn Subscription>, BusAway> {
        let mut groups = self.groups.lock().unwrap_or_else(PoisonError::into_inner);
        let queue = groups.entry((topic, group)).or_default();
        Ok(Box::new(Member {
            queue: Arc::clone(queue),
            last: None,
        }))
    }
}
