//! Owns the guard around a use case that moves money: what a repeat of a key is answered with.

use std::time::Duration;

use chrono::TimeDelta;
use domain::Timestamp;
use domain::id::{PaymentId, SagaId};
use domain::idempotency::{Fingerprint, IssuedKey, KeyRef, Reservation};
use domain::text::{IdempotencyKey, MemberId};

use crate::outcome::{Ended, Unreadable};
use crate::ports::store;
use crate::{App, Caller};

/// What every key that we issue begins with; a caller's own key must not.
const ISSUED_PREFIX: &str = "idk_";

/// A key as it came with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keyed {
    /// The caller's key.
    pub key: IdempotencyKey,
    /// SHA-256 over method, path and body.
    pub fingerprint: Fingerprint,
}

/// Why a key cannot be used for this request.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// It was used for another request.
    #[error("the idempotency key was used for another request")]
    Reused,
    /// The first request with it is still being waited for.
    #[error("the first request with this key is under way")]
    Running {
        /// When to come back.
        retry_after: Duration,
    },
    /// It looks like one we issued, and is unknown or expired.
    #[error("the issued idempotency key is unknown or expired")]
    NotIssued,
    /// What was stored under it cannot be read.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// What is known of a key before the request is decided.
#[derive(Debug)]
pub(crate) enum Earlier {
    /// Nothing: this is the first request with it.
    Nothing,
    /// How the first request ended, and since when its key is in use.
    Ended(Box<Ended>, Timestamp),
    /// The first request's saga is open and its patience is over.
    Pending(PaymentId),
}

impl App {
    /// Hands out a key, bound to the caller, to be used within its lifetime.
    ///
    /// # Errors
    /// The store did not take it.
    pub async fn issue_key(&self, caller: &Caller) -> Result<IssuedKey, store::CommitError> {
        let now = self.parts.clock.now();
        let text = format!("{ISSUED_PREFIX}{}", self.draw());
        let key = text.parse().expect("prefix and raw id are visible ASCII");
        let issued = IssuedKey {
            key: key_ref(caller, key),
            expires_at: later(now, self.parts.timings.issued_key_lifetime),
            created_at: now,
        };
        let change = domain::change::Change::IssueKey(Box::new(issued.clone()));
        self.parts.store.commit(&[change]).await?;
        Ok(issued)
    }

    /// What the key of this request says about it.
    pub(crate) async fn earlier(
        &self,
        caller: &Caller,
        keyed: &Keyed,
    ) -> Result<Earlier, KeyError> {
        let key = key_ref(caller, keyed.key.clone());
        let now = self.parts.clock.now();
        let Some(found) = self.parts.store.reservation(&key).await? else {
            self.check_issued(&key, now).await?;
            return Ok(Earlier::Nothing);
        };
        if found.fingerprint != keyed.fingerprint {
            return Err(KeyError::Reused);
        }
        if let Some(bytes) = &found.outcome {
            let ended = Box::new(Ended::from_bytes(bytes)?);
            return Ok(Earlier::Ended(ended, found.created_at));
        }
        match found.patience_until.signed_duration_since(now).to_std() {
            Ok(left) if !left.is_zero() => Err(KeyError::Running { retry_after: left }),
            Ok(_) | Err(_) => {
                let payment = found.payment.ok_or_else(Unreadable::missing)?;
                Ok(Earlier::Pending(payment))
            }
        }
    }

    /// Whether this very request is durable under its key.
    pub(crate) async fn is_reserved(
        &self,
        caller: &Caller,
        keyed: &Keyed,
    ) -> Result<bool, store::Error> {
        let key = key_ref(caller, keyed.key.clone());
        let found = self.parts.store.reservation(&key).await?;
        Ok(found.is_some_and(|found| found.fingerprint == keyed.fingerprint))
    }

    /// Which payment this very request is durable with, where it is.
    pub(crate) async fn reserved_for(
        &self,
        caller: &Caller,
        keyed: &Keyed,
    ) -> Result<Option<PaymentId>, store::Error> {
        let key = key_ref(caller, keyed.key.clone());
        let found = self.parts.store.reservation(&key).await?;
        let own = found.filter(|found| found.fingerprint == keyed.fingerprint);
        Ok(own.and_then(|found| found.payment))
    }

    async fn check_issued(&self, key: &KeyRef, now: Timestamp) -> Result<(), KeyError> {
        if !key.key.as_str().starts_with(ISSUED_PREFIX) {
            return Ok(());
        }
        let issued = self.parts.store.issued_key(key).await?;
        issued
            .filter(|issued| now < issued.expires_at)
            .map(|_| ())
            .ok_or(KeyError::NotIssued)
    }

    /// The key's row, to be committed together with the work.
    pub(crate) fn reservation(
        &self,
        caller: &Caller,
        keyed: &Keyed,
        payment: Option<PaymentId>,
        end: Either,
    ) -> Reservation {
        let now = self.parts.clock.now();
        let (saga, outcome) = match end {
            Either::Saga(saga) => (Some(saga), None),
            Either::Outcome(ended) => (None, Some(ended.to_bytes())),
        };
        Reservation {
            key: key_ref(caller, keyed.key.clone()),
            fingerprint: keyed.fingerprint,
            payment,
            saga,
            patience_until: later(now, self.parts.timings.patience),
            created_at: now,
            outcome,
        }
    }
}

/// Where a key's outcome comes from.
pub(crate) enum Either {
    /// The saga's end.
    Saga(SagaId),
    /// The work that is committed with the key.
    Outcome(Ended),
}

pub(crate) fn key_ref(caller: &Caller, key: IdempotencyKey) -> KeyRef {
    KeyRef {
        scope: caller.scope,
        member: caller
            .member
            .as_ref()
            .map_or_else(String::new, MemberId::to_string),
        key,
    }
}

/// `pause` after `now`; the end of time when that overflows.
pub(crate) fn later(now: Timestamp, pause: Duration) -> Timestamp {
    TimeDelta::from_std(pause)
        .ok()
        .and_then(|pause| now.checked_add_signed(pause))
        .unwrap_or(Timestamp::MAX_UTC)
}
