//! Owns the progress of the two calls about a key itself: to issue it and to delete it.
//!
//! Neither can be asked about, so the repeat under the same gateway key decides. A new gateway key
//! is used only after a received error, once nothing of the call before can take effect any more.

use crate::Timestamp;
use crate::after;
use crate::id::BillingKeyId;
use crate::saga::Policy;
use crate::text::GatewayKey;

/// What was last heard of the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// No answer, or one that says only "wait": the same gateway key again.
    Nothing,
    /// An error, which the gateway stored under the key: the next call needs a new one.
    Error,
}

/// Where a call stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Work {
    /// Which gateway key.
    pub n: u32,
    /// With which of the account's secret keys `n` is used: the gateway's key scope includes it.
    pub credential_version: i32,
    /// How often it came to nothing, for the schedule.
    pub tries: u32,
    /// What was last heard.
    pub heard: Heard,
    /// Since when it is wanted.
    pub since: Timestamp,
    /// When the last call was intended.
    pub intent_at: Timestamp,
    /// When the next one is due.
    pub due_at: Timestamp,
}

/// Which of the two calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// Make a billing key of what the member's card company confirmed.
    Issue,
    /// Delete it at the gateway.
    Delete,
}

impl Call {
    /// The word in gateway keys and logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Issue => "issue",
            Self::Delete => "delete",
        }
    }
}

impl Work {
    /// Wanted now: the first call may be made once this is committed.
    #[must_use]
    pub const fn begun(credential_version: i32, now: Timestamp) -> Self {
        Self {
            n: 1,
            credential_version,
            tries: 0,
            heard: Heard::Nothing,
            since: now,
            intent_at: now,
            due_at: now,
        }
    }

    /// The gateway key of the current call.
    #[must_use]
    pub fn gateway_key(&self, id: BillingKeyId, call: Call) -> GatewayKey {
        let text = format!("{id}-{}-{}", call.as_str(), self.n);
        text.parse().expect("an id, a word and a number are valid")
    }

    /// It came to nothing: tried again by the schedule, not before `pause_until`, and under
    /// another gateway key not before the call before is over.
    #[must_use]
    pub fn later(
        mut self,
        heard: Heard,
        pause_until: Option<Timestamp>,
        policy: &Policy,
        now: Timestamp,
    ) -> Self {
        self.due_at = policy.ask_at(now, self.tries);
        if let Some(earliest) = pause_until {
            self.due_at = self.due_at.max(earliest);
        }
        if heard == Heard::Error {
            self.due_at = self.due_at.max(after(self.intent_at, policy.call_bound));
        }
        self.tries = self.tries.saturating_add(1);
        self.heard = heard;
        self
    }

    /// As it is called now, with this version of the account's secret key; to be committed before
    /// the call is made. Where an earlier call may still run that cannot be repeated it waits.
    ///
    /// # Errors
    /// It is not called now; as it waits.
    pub fn intended(mut self, version: i32, policy: &Policy, now: Timestamp) -> Result<Self, Self> {
        let rekeyed = version != self.credential_version;
        let forgotten = now >= after(self.since, policy.key_lifetime);
        if rekeyed || forgotten || self.heard == Heard::Error {
            let over = after(self.intent_at, policy.call_bound);
            if now < over {
                self.due_at = over;
                return Err(self);
            }
            self.n = self.n.saturating_add(1);
            self.heard = Heard::Nothing;
            self.credential_version = version;
        }
        self.intent_at = now;
        Ok(self)
    }
}
