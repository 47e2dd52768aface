//! Owns taking what others publish: one message after the other, again while something is away,
//! and put aside when it can never be dealt with.

mod announced;
mod opened;
mod requested;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::SecondsFormat;
use tokio::time::sleep;
use tracing::{error, info, warn};

pub use announced::Announced;
pub use requested::Requested;

use crate::App;
use crate::ports::Bus;
use crate::ports::bus::{BusAway, Group, Message, Receipt, Received, Subscription, Topic};

/// Every copy of the service takes its part.
const GROUP: Group = Group("payflow");
/// The first pause after something was away; each next one is twice as long.
const PAUSE: Duration = Duration::from_millis(100);
/// What the headers of a message that was put aside begin with, besides its own.
const ASIDE: &str = "dead-letter-";

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Handled {
    /// What it asks for is committed, or was before.
    Done,
    /// Something is away, for this reason: again, after a pause.
    Again(String),
    /// However often it is tried, it comes to nothing, for this reason.
    Never(String),
}

/// Deals with the messages of one topic.
#[async_trait]
pub trait Consumer: Send + Sync {
    /// Of which topic.
    fn topic(&self) -> Topic;

    /// Deals with a message. It may come again after it was done, and must come to nothing more
    /// then.
    async fn handle(&self, app: &App, received: &Received) -> Handled;
}

/// A consumer that has joined the group, so that nothing is published past it.
pub struct Joined {
    bus: Arc<dyn Bus>,
    consumer: Arc<dyn Consumer>,
    member: Option<Box<dyn Subscription>>,
}

impl Joined {
    /// Joins; where the bus is away, as soon as it is not.
    #[must_use]
    pub fn new(bus: Arc<dyn Bus>, consumer: Arc<dyn Consumer>) -> Self {
        let member = bus.subscribe(GROUP, consumer.topic()).ok();
        Self {
            bus,
            consumer,
            member,
        }
    }

    async fn run(mut self, app: &App) {
        let drain = app.runner.drain.clone();
        let mut pause = PAUSE;
        while !drain.is_cancelled() {
            match self.round(app).await {
                Ok(()) => pause = PAUSE,
                Err(why) => {
                    self.member = None;
                    warn!(topic = %self.consumer.topic(), %why, "nothing is taken for a while");
                    app.rest(&mut pause).await;
                }
            }
        }
    }

    /// Deals with one message.
    async fn round(&mut self, app: &App) -> Result<(), BusAway> {
        let member = if let Some(member) = &mut self.member {
            member
        } else {
            let joined = self.bus.subscribe(GROUP, self.consumer.topic())?;
            self.member.insert(joined)
        };
        let received = tokio::select! {
            received = member.next() => received?,
            () = app.runner.drain.cancelled() => return Ok(()),
        };
        if dealt_with(app, self.bus.as_ref(), self.consumer.as_ref(), &received).await {
            member.done().await?;
        }
        Ok(())
    }
}

/// Whether it is over with the message; only the end of the process leaves it to others.
async fn dealt_with(
    app: &App,
    bus: &dyn Bus,
    consumer: &dyn Consumer,
    received: &Received,
) -> bool {
    let mut pause = PAUSE;
    loop {
        let why = match consumer.handle(app, received).await {
            Handled::Done => return true,
            Handled::Again(why) => why,
            Handled::Never(why) => return put_aside(app, bus, received, &why).await,
        };
        warn!(place = received.place, why, "tried again after a pause");
        app.rest(&mut pause).await;
        if app.runner.drain.is_cancelled() {
            return false;
        }
    }
}

/// Publishes the message where people find it. It is not lost for want of a place, either.
async fn put_aside(app: &App, bus: &dyn Bus, received: &Received, why: &str) -> bool {
    let Some(topic) = received.topic.dead_letters() else {
        error!(
            place = received.place,
            why, "comes to nothing, and is skipped"
        );
        return true;
    };
    error!(place = received.place, why, %topic, "comes to nothing, and is put aside");
    let at = app.parts.clock.now();
    let at = at.to_rfc3339_opts(SecondsFormat::Micros, true);
    let notes = [
        ("reason", why),
        ("topic", received.topic.as_str()),
        ("place", received.place.as_str()),
        ("at", at.as_str()),
    ];
    let notes = notes.map(|(name, text)| (format!("{ASIDE}{name}"), text.as_bytes().to_vec()));
    let mut headers = of_its_own(&received.headers);
    headers.extend(notes);
    let letter = Message {
        topic,
        key: received.key.clone(),
        headers,
        payload: received.payload.clone(),
    };
    let mut pause = PAUSE;
    loop {
        match bus.publish(std::slice::from_ref(&letter)).await.first() {
            Some(Receipt::Acknowledged) => return true,
            Some(Receipt::Refused(why)) => error!(why, "a dead letter is refused"),
            Some(Receipt::Away(why)) => info!(why, "a dead letter waits"),
            None => {}
        }
        app.rest(&mut pause).await;
        if app.runner.drain.is_cancelled() {
            return false;
        }
    }
}

/// The headers that a message had before it was put aside.
fn of_its_own(headers: &[(String, Vec<u8>)]) -> Vec<(String, Vec<u8>)> {
    let own = headers.iter().filter(|(name, _)| !name.starts_with(ASIDE));
    own.cloned().collect()
}

/// What was put aside, as it came in the first place; none where that is not known.
#[must_use]
pub fn as_it_came(letter: &Received) -> Option<Message> {
    let topic = Topic::ALL.iter().copied();
    let topic = topic
        .into_iter()
        .find(|topic| topic.dead_letters() == Some(letter.topic))?;
    Some(Message {
        topic,
        key: letter.key.clone(),
        headers: of_its_own(&letter.headers),
        payload: letter.payload.clone(),
    })
}

/// What was noted when it was put aside: `reason`, `topic`, `place` or `at`.
#[must_use]
pub fn noted(letter: &Received, what: &str) -> String {
    let mut headers = letter.headers.iter().rev();
    let found = headers.find(|(name, _)| name.strip_prefix(ASIDE) == Some(what));
    let text = found.map(|(_, text)| String::from_utf8_lossy(text).into_owned());
    text.unwrap_or_default()
}

impl App {
    /// Takes what others publish until the process is to end.
    pub async fn consume_continuously(self: Arc<Self>, joined: Joined) {
        joined.run(&self).await;
    }

    /// Waits a little, and longer the next time; not past the end of the process.
    async fn rest(&self, pause: &mut Duration) {
        tokio::select! {
            () = sleep(*pause) => {}
            () = self.runner.drain.cancelled() => {}
        }
        *pause = pause
            .saturating_mul(2)
            .min(self.parts.timings.sink_pause_max);
    }
}
