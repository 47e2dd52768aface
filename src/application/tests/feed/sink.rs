//! Owns somebody who is told: it writes down what it takes, is away for a while, and cannot take
//! one event however often it is told.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use application::ports::Sink;
use application::ports::sink::{Begin, Fate, Told};
use async_trait::async_trait;
use domain::feed::{Reader, Subject};
use tokio::time::{Instant, sleep};

use crate::bugs::Bug;
use crate::life::Life;

pub(crate) static READER: Reader = Reader::named("notebook");

/// How long it takes to be told, by where the first event is: what was told later is often taken
/// earlier.
const TAKES: [Duration; 3] = [
    Duration::from_millis(300),
    Duration::from_millis(900),
    Duration::from_millis(100),
];

/// What was taken, in the order in which it was; it outlives every process.
#[derive(Default)]
pub(crate) struct Notebook {
    pub(crate) taken: Mutex<Vec<(Subject, i64)>>,
    /// Cannot be taken.
    pub(crate) poison: Mutex<Option<(Subject, i64)>>,
}

/// A process's way to the notebook.
pub(crate) struct Telling {
    pub(crate) notebook: Arc<Notebook>,
    pub(crate) life: Arc<Life>,
    /// Nothing is taken in this time.
    pub(crate) away: Option<(Instant, Duration)>,
    pub(crate) bug: Option<Bug>,
    /// What a bug said was taken, and was not yet.
    pub(crate) promised: Mutex<Vec<(Subject, i64)>>,
}

impl Telling {
    fn is_away(&self) -> bool {
        self.away
            .is_some_and(|(from, span)| Instant::now() >= from && from.elapsed() < span)
    }

    async fn take(&self, event: (Subject, i64)) -> Fate {
        self.life.point().await;
        if self.is_away() {
            if self.bug == Some(Bug::OutageIsOver) {
                return Fate::Delivered;
            }
            return Fate::Unavailable("away".to_owned());
        }
        if *self.notebook.poison.lock().unwrap() == Some(event) {
            return Fate::Poisoned("too large".to_owned());
        }
        if self.bug == Some(Bug::CursorFirst) {
            self.promised.lock().unwrap().push(event);
        } else {
            self.notebook.taken.lock().unwrap().push(event);
        }
        self.life.point().await;
        Fate::Delivered
    }
}

#[async_trait]
impl Sink for Telling {
    fn reader(&self) -> Reader {
        READER.clone()
    }

    fn begin(&self) -> Begin {
        Begin::Start
    }

    fn at_once(&self) -> usize {
        3
    }

    async fn deliver(&self, events: &[Told]) -> Vec<Fate> {
        let first = events.first().map_or(0, |told| told.position);
        let kind = usize::try_from(first).unwrap() % TAKES.len();
        sleep(TAKES[kind]).await;
        let promised = std::mem::take(&mut *self.promised.lock().unwrap());
        self.notebook.taken.lock().unwrap().extend(promised);
        let mut fates: Vec<Fate> = Vec::new();
        let mut refused: Vec<Subject> = Vec::new();
        for told in events {
            let event = (told.event.subject(), told.event.sequence());
            let fate = if refused.contains(&event.0) {
                Fate::Unavailable("an earlier one was not taken".to_owned())
            } else {
                self.take(event).await
            };
            if fate != Fate::Delivered {
                refused.push(event.0);
            }
            fates.push(fate);
        }
        fates
    }
}
