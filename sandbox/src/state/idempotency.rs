//! Owns the memory of idempotency keys: what was answered, and what still runs.

use std::collections::{HashMap, HashSet};

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;

/// The longest key the gateway takes, in characters.
pub(crate) const KEY_CHARACTERS_MAX: usize = 300;

/// What makes two requests "the same": API key, method, path and key, not the body.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Scope {
    /// A fingerprint: the journal never holds a secret key.
    pub(crate) api_key: String,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) key: String,
}

/// The first answer under a key, to be replayed byte by byte.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Answered {
    pub(crate) scope: Scope,
    pub(crate) status: u16,
    pub(crate) code: Option<String>,
    pub(crate) body: String,
    pub(crate) trace_id: String,
    pub(crate) first_used_at: Timestamp,
}

/// What a key's earlier use means for a request.
#[derive(Debug)]
pub(crate) enum Standing<'a> {
    /// Never used, or forgotten since.
    New,
    /// The first request is still being executed.
    Running,
    /// The first answer goes out again.
    Answered(&'a Answered),
}

/// All keys in use.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    answered: HashMap<Scope, Answered>,
    running: HashSet<Scope>,
}

impl Keys {
    pub(crate) fn standing(
        &self,
        scope: &Scope,
        now: Timestamp,
        lifetime: TimeDelta,
    ) -> Standing<'_> {
        if self.running.contains(scope) {
            return Standing::Running;
        }
        match self.answered.get(scope) {
            Some(answered) if now.signed_duration_since(answered.first_used_at) < lifetime => {
                Standing::Answered(answered)
            }
            Some(_) | None => Standing::New,
        }
    }

    /// Marks the key as running. Not a fact: a killed gateway has forgotten who was running.
    pub(crate) fn start(&mut self, scope: Scope) {
        self.running.insert(scope);
    }

    /// Ends a run that left no answer behind.
    pub(crate) fn release(&mut self, scope: &Scope) {
        self.running.remove(scope);
    }

    pub(super) fn remember(&mut self, answered: Answered) {
        self.running.remove(&answered.scope);
        self.answered.insert(answered.scope.clone(), answered);
    }
}
