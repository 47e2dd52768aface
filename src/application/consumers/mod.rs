//! Owns taking what others publish: one message after the other, again while something is away,
//! and put aside when it can never be dealt with.

mod announced;
mod aside;
mod opened;
mod requested;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::trace::Trace;
use tokio::time::sleep;
use tracing::field::display;
use tracing::{Instrument as _, error_span, warn};

pub use announced::Announced;
pub use aside::{Newest, as_it_came, noted, origin};
pub use requested::Requested;

use crate::App;
use crate::ports::bus::{BusAway, Group, Received, Subscription, Topic};
use crate::ports::{Bus, store};

/// Every copy of the service takes its part.
const GROUP: Group = Group("payflow");
/// The first pause after something was away; each next one is twice as long.
const PAUSE: Duration = Duration::from_millis(100);

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

impl From<store::Error> for Handled {
    /// A row that this version cannot read stays so however often it is asked for, and what waits
    /// behind the message would wait for ever.
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::Unavailable(_) => Self::Again(error.to_string()),
            store::Error::Corrupt { .. } | store::Error::Broken(_) => {
                Self::Never(error.to_string())
            }
        }
    }
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
        let dealt = dealt_with(app, self.bus.as_ref(), self.consumer.as_ref(), &received);
        if dealt.instrument(lines_of(&received)).await {
            member.done().await?;
        }
        Ok(())
    }
}

/// What every line says that is written while a message is dealt with.
fn lines_of(received: &Received) -> tracing::Span {
    let mut headers = received.headers.iter();
    let parent = headers.find_map(|(name, value)| (name == "traceparent").then_some(value));
    let parent = parent.and_then(|value| str::from_utf8(value.as_deref()?).ok());
    let trace: Option<Trace> = parent.and_then(|parent| parent.parse().ok());
    let trace_id = trace.map(|trace| display(trace.id()));
    error_span!("message", topic = %received.topic, place = received.place, trace_id)
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
            Handled::Never(why) => return aside::put(app, bus, received, &why).await,
        };
        warn!(place = received.place, why, "tried again after a pause");
        app.rest(&mut pause).await;
        if app.runner.drain.is_cancelled() {
            return false;
        }
    }
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
