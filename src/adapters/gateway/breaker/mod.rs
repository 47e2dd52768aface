//! Owns the circuit breaker of one gateway account: when to stop calling, and how to find out
//! that it works again.
//!
//! CLOSED lets everything through and opens after too many failures in a row. OPEN sends no action
//! until the cool-down is over, then one at a time as a probe; a few questions are let through all
//! along, because sagas under way want to know. A question that is answered ends the cool-down; an
//! action that is answered closes the breaker.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::snapshot::{Answer, Cause};
use tokio::time::Instant;

use super::Share;

/// When a breaker opens, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How many failures in a row open it.
    pub failures_max: usize,
    /// They count together only within this time.
    pub window: Duration,
    /// How long no action is sent.
    pub cool_down: Duration,
    /// How many questions may be under way while it is open.
    pub questions_max: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            failures_max: 10,
            window: Duration::from_mins(1),
            cool_down: Duration::from_secs(5),
            questions_max: 4,
        }
    }
}

/// What an answer says about the gateway, whatever it says about the payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// It works.
    Well,
    /// It failed.
    Failing,
    /// It does not take our credentials.
    Locked,
    /// Neither: it is there, and wants to be left alone.
    Busy,
}

impl Health {
    /// Reads it off an answer.
    #[must_use]
    pub const fn of(answer: &Answer) -> Self {
        match answer {
            Answer::Found(_) | Answer::Declined(_) | Answer::NotFound => Self::Well,
            Answer::Unknown(cause) => Self::without(cause),
        }
    }

    /// Reads it off what came instead of an answer.
    #[must_use]
    pub const fn without(cause: &Cause) -> Self {
        match cause {
            Cause::Conflict(_) | Cause::SessionGone | Cause::Refused(_) => Self::Well,
            Cause::NotSent | Cause::Lost | Cause::Temporary(_) | Cause::Unreadable(_) => {
                Self::Failing
            }
            Cause::Configuration(_) => Self::Locked,
            // That nothing can be asked says nothing of how it is.
            Cause::Busy { .. } | Cause::Mute => Self::Busy,
        }
    }
}

/// What an answer did to the breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Too many failures in a row.
    Opened,
    /// Our credentials are refused.
    Locked,
    /// It works again.
    Closed,
}

/// The breaker.
#[derive(Debug)]
pub struct Breaker {
    limits: Limits,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    /// Raised by every turn, so that an answer counts only for the state it was let through in.
    epoch: u64,
    state: State,
}

#[derive(Debug)]
enum State {
    /// The latest failures in a row.
    Closed {
        failures: VecDeque<Instant>,
    },
    Open(Open),
}

#[derive(Debug)]
struct Open {
    /// No action before this.
    until: Instant,
    /// An action is out to find out.
    probing: bool,
    /// Questions under way.
    questions: u32,
    /// A new saga was let in to be the next probe; no other before this.
    admit_at: Instant,
}

/// Leave to make one call; to be handed back with what came of it.
#[derive(Debug)]
pub struct Pass<'a> {
    breaker: &'a Breaker,
    share: Share,
    epoch: u64,
    done: bool,
}

impl Breaker {
    /// Closed.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        let state = State::Closed {
            failures: VecDeque::new(),
        };
        Self {
            limits,
            inner: Mutex::new(Inner { epoch: 0, state }),
        }
    }

    /// Whether a new saga may be opened; otherwise when to try again. Once the cool-down is over it
    /// lets in one saga at a time, whose call is the probe.
    ///
    /// # Errors
    /// The pause before the next try.
    pub fn admit(&self) -> Result<(), Duration> {
        let now = Instant::now();
        let mut inner = self.lock();
        let State::Open(open) = &mut inner.state else {
            return Ok(());
        };
        let next = if open.probing {
            at(now, self.limits.cool_down)
        } else {
            open.until
        };
        let next = next.max(open.admit_at);
        if now < next {
            return Err(next.saturating_duration_since(now));
        }
        open.admit_at = at(now, self.limits.cool_down);
        Ok(())
    }

    /// Leave to make a call now, if there is.
    pub fn enter(&self, share: Share) -> Option<Pass<'_>> {
        let now = Instant::now();
        let mut inner = self.lock();
        if let State::Open(open) = &mut inner.state {
            match share {
                Share::Action if now >= open.until && !open.probing => open.probing = true,
                Share::Question if open.questions < self.limits.questions_max => {
                    open.questions = open.questions.saturating_add(1);
                }
                Share::Action | Share::Question => return None,
            }
        }
        Some(Pass {
            breaker: self,
            share,
            epoch: inner.epoch,
            done: false,
        })
    }

    /// Whether actions are held back.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(self.lock().state, State::Open(_))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Every change under the lock is complete before anything that could panic.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn settle(&self, share: Share, epoch: u64, health: Option<Health>) -> Option<Turn> {
        let now = Instant::now();
        let mut inner = self.lock();
        if inner.epoch != epoch {
            return None;
        }
        let turn = match &mut inner.state {
            State::Closed { failures } => self.heard_closed(failures, share, health?, now),
            State::Open(open) => self.heard_open(open, share, health, now),
        };
        inner.epoch = inner.epoch.wrapping_add(u64::from(turn.is_some()));
        match turn {
            None => {}
            Some(Turn::Closed) => {
                inner.state = State::Closed {
                    failures: VecDeque::new(),
                }
            }
            Some(Turn::Opened | Turn::Locked) => {
                inner.state = State::Open(Open {
                    until: at(now, self.limits.cool_down),
                    probing: false,
                    questions: 0,
                    admit_at: now,
                });
            }
        }
        turn
    }

    fn heard_closed(
        &self,
        failures: &mut VecDeque<Instant>,
        share: Share,
        health: Health,
        now: Instant,
    ) -> Option<Turn> {
        match (health, share) {
            (Health::Locked, _) => return Some(Turn::Locked),
            (Health::Well, Share::Action) => failures.clear(),
            // Reading may work while capturing does not.
            (Health::Well, Share::Question) | (Health::Busy, _) => {}
            (Health::Failing, _) => failures.push_back(now),
        }
        while failures.len() > self.limits.failures_max {
            failures.pop_front();
        }
        let oldest = failures.front()?;
        let close_together = now.saturating_duration_since(*oldest) <= self.limits.window;
        let many = failures.len() >= self.limits.failures_max;
        (many && close_together).then_some(Turn::Opened)
    }

    fn heard_open(
        &self,
        open: &mut Open,
        share: Share,
        health: Option<Health>,
        now: Instant,
    ) -> Option<Turn> {
        match share {
            Share::Action => open.probing = false,
            Share::Question => open.questions = open.questions.saturating_sub(1),
        }
        match (share, health?) {
            (Share::Action, Health::Well) => return Some(Turn::Closed),
            (Share::Question, Health::Well) => open.until = open.until.min(now),
            (Share::Action, Health::Failing | Health::Locked | Health::Busy) => {
                open.until = at(now, self.limits.cool_down);
            }
            (Share::Question, Health::Failing | Health::Locked) if now >= open.until => {
                open.until = at(now, self.limits.cool_down);
            }
            (Share::Question, Health::Failing | Health::Locked | Health::Busy) => {}
        }
        None
    }
}

impl Pass<'_> {
    /// The call is over.
    #[must_use = "a turn is to be told"]
    pub fn settle(mut self, health: Health) -> Option<Turn> {
        self.done = true;
        self.breaker.settle(self.share, self.epoch, Some(health))
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        // Cut off half way, for example by a drain: says nothing, but frees the probe.
        if !self.done {
            self.breaker.settle(self.share, self.epoch, None);
        }
    }
}

fn at(now: Instant, pause: Duration) -> Instant {
    now.checked_add(pause).unwrap_or(now)
}

#[cfg(test)]
mod tests;
