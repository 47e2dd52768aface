//! Owns the requests that are under way in this process: bounded in number, none for long.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use application::ports::Repeats;
use application::ports::repeats::{Asked, Heard, Reach, Ticket};
use async_trait::async_trait;
use tokio::time::Instant;

/// How many are remembered; of one that is not, the store tells.
const REQUESTS_MAX: usize = 65_536;

/// Requests under way, each with who works on it and until when it counts as that. Answers are left
/// to the store, which is as near.
pub struct InProcess {
    under_way: Mutex<HashMap<Asked, (Ticket, Instant)>>,
    lifetime: Duration,
    requests_max: usize,
}

impl InProcess {
    /// A request counts as under way for so long at most.
    #[must_use]
    pub fn new(lifetime: Duration) -> Self {
        Self {
            under_way: Mutex::default(),
            lifetime,
            requests_max: REQUESTS_MAX,
        }
    }

    /// What is known of a request; where nothing is, it is under way by this ticket.
    pub(super) fn note(&self, asked: &Asked, ticket: Ticket) -> Heard {
        let now = Instant::now();
        let mut all = self
            .under_way
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some((_, until)) = all.get(asked)
            && *until > now
        {
            let retry_after = until.saturating_duration_since(now);
            return Heard::UnderWay { retry_after };
        }
        if all.len() >= self.requests_max {
            all.retain(|_, (_, until)| *until > now);
        }
        let until = now.checked_add(self.lifetime);
        let Some(until) = until.filter(|_| all.len() < self.requests_max) else {
            return Heard::Nothing(None);
        };
        all.insert(asked.clone(), (ticket, until));
        Heard::Nothing(Some(ticket))
    }

    /// It is not under way any more, if that is whose ticket it is.
    pub(super) fn forget(&self, asked: &Asked, ticket: Ticket) {
        let mut all = self
            .under_way
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if all.get(asked).is_some_and(|(known, _)| *known == ticket) {
            all.remove(asked);
        }
    }
}

/// One that nobody else has; none where there is no randomness, and then nothing is noted.
pub(super) fn fresh_ticket() -> Option<Ticket> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).ok()?;
    Some(Ticket(u128::from_be_bytes(bytes)))
}

#[async_trait]
impl Repeats for InProcess {
    async fn begin(&self, asked: &Asked) -> Heard {
        match fresh_ticket() {
            Some(ticket) => self.note(asked, ticket),
            None => Heard::Nothing(None),
        }
    }

    async fn end(&self, asked: &Asked, ticket: Ticket, _: Option<&[u8]>) {
        self.forget(asked, ticket);
    }

    fn reach(&self) -> Reach {
        Reach::Process
    }
}
