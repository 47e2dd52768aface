//! Owns requests under way: a repeat that comes meanwhile, or a moment later, is told so without
//! the work of deciding it again. Whatever is said here the store would have said.

use std::sync::Arc;

use chrono::DateTime;
use domain::Timestamp;
use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;

use crate::idempotency::{Earlier, KeyError, Keyed, key_ref, later};
use crate::outcome::{Ended, Outcome};
use crate::payments::Answered;
use crate::ports::Repeats;
use crate::ports::repeats::{Asked, Heard, Reach, Ticket};
use crate::{App, Caller};

/// What is known of a request ahead of the store.
pub(crate) enum Boarding {
    /// How the very same request ended.
    Ended(Box<Ended>, Timestamp),
    /// Nothing that spares the work.
    Go(Flight),
}

/// A request that counts as under way until this is dropped.
pub(crate) struct Flight {
    asked: Asked,
    begun: Timestamp,
    ticket: Option<Ticket>,
    repeats: Arc<dyn Repeats>,
    tasks: TaskTracker,
}

impl App {
    /// How far repeats are known, for who asks how the service is.
    #[must_use]
    pub fn reach(&self) -> Reach {
        self.parts.repeats.reach()
    }

    /// What is known of this request; where nothing is, its repeats are told that it is under way.
    pub(crate) async fn board(&self, caller: &Caller, keyed: &Keyed) -> Result<Boarding, KeyError> {
        let asked = Asked {
            key: key_ref(caller, keyed.key.clone()),
            fingerprint: keyed.fingerprint,
        };
        let begun = self.parts.clock.now();
        let ticket = match self.parts.repeats.begin(&asked).await {
            Heard::Nothing(ticket) => ticket,
            Heard::Answered(bytes) => {
                if let Some((ended, since)) = self.still_valid(&bytes) {
                    return Ok(Boarding::Ended(Box::new(ended), since));
                }
                None
            }
            // Only of what the store does not know yet: it may be over, and nobody came to say so.
            Heard::UnderWay { retry_after } => match self.earlier(caller, keyed).await? {
                Earlier::Nothing => return Err(KeyError::Running { retry_after }),
                Earlier::Ended(ended, since) => return Ok(Boarding::Ended(ended, since)),
                Earlier::Pending(_) => None,
            },
        };
        Ok(Boarding::Go(Flight {
            asked,
            begun,
            ticket,
            repeats: Arc::clone(&self.parts.repeats),
            tasks: self.runner.tasks.clone(),
        }))
    }

    /// The answer that was kept, unless its key may be forgotten by now.
    fn still_valid(&self, kept: &[u8]) -> Option<(Ended, Timestamp)> {
        let (since, ended) = unpacked(kept)?;
        let until = later(since, self.parts.timings.key_lifetime);
        (self.parts.clock.now() < until).then_some((ended, since))
    }
}

impl Flight {
    /// It is over, with this answer, or was refused. Only a refusal is waited for: of an answer the
    /// store knows, whoever comes meanwhile.
    pub(crate) async fn land(mut self, answered: Option<&Answered>) {
        let Some(ticket) = self.ticket.take() else {
            return;
        };
        let Some(answered) = answered else {
            self.repeats.end(&self.asked, ticket, None).await;
            return;
        };
        let kept = match &answered.outcome {
            // A key that is first used by this request is in use since then, or later.
            Outcome::Ended(ended) => Some(packed(answered.since.unwrap_or(self.begun), ended)),
            Outcome::Pending(_) => None,
        };
        let (repeats, asked) = (Arc::clone(&self.repeats), self.asked.clone());
        self.tasks.spawn(async move {
            repeats.end(&asked, ticket, kept.as_deref()).await;
        });
    }
}

/// Whoever was left by its caller, or failed, is not under way either.
impl Drop for Flight {
    fn drop(&mut self) {
        let (Some(ticket), Ok(runtime)) = (self.ticket.take(), Handle::try_current()) else {
            return;
        };
        let (repeats, asked) = (Arc::clone(&self.repeats), self.asked.clone());
        let over = async move { repeats.end(&asked, ticket, None).await };
        self.tasks.spawn_on(over, &runtime);
    }
}

/// The answer, behind the time since which its key is in use.
fn packed(since: Timestamp, ended: &Ended) -> Vec<u8> {
    let mut bytes = since.timestamp_micros().to_be_bytes().to_vec();
    bytes.append(&mut ended.to_bytes());
    bytes
}

fn unpacked(bytes: &[u8]) -> Option<(Timestamp, Ended)> {
    let (since, ended) = bytes.split_first_chunk()?;
    let since = DateTime::from_timestamp_micros(i64::from_be_bytes(*since))?;
    Some((since, Ended::from_bytes(ended).ok()?))
}
