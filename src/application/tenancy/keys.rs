//! Owns the life of API keys: issued, listed, replaced after a time of grace, revoked.

use std::time::Duration;

use chrono::TimeDelta;
use domain::Timestamp;
use domain::change::Change;
use domain::id::ApiKeyId;
use domain::merchant::{ApiKey, KeyKind, KeyText, Merchant};
use domain::principal::Scope;
use domain::text::KeyName;
use tracing::info;

use super::Tenancy;
use crate::access::hash_of_key;
use crate::idempotency::later;
use crate::ports::store::{self, CommitError};

/// How many keys that open something a merchant may have in a mode.
const KEYS_MAX: u32 = 100;
/// For how long a key that has ended is still listed.
const LISTED_AFTER_END: TimeDelta = TimeDelta::days(30);
/// How many keys a list has at most.
const LISTED_MAX: u32 = 1_000;

/// Why nothing was done to a key.
#[derive(Debug, thiserror::Error)]
pub enum ApiKeyError {
    /// No such merchant, or no such key of it.
    #[error("no such key")]
    NotFound,
    /// It was revoked or replaced already.
    #[error("the key was revoked or replaced already")]
    Ending,
    /// Without it the merchant's server could not call any more.
    #[error("it is the last secret key without an end")]
    Last,
    /// There are as many keys as there may be.
    #[error("there are too many keys")]
    TooMany,
    /// Others were first, again and again.
    #[error("too many conflicts; try again")]
    Contended,
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// A key that is new, with its text: the only time that it can be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewKey {
    /// The key.
    pub key: ApiKey,
    /// What its holder presents.
    pub text: KeyText,
}

/// A key that was replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotated {
    /// The one that replaces it.
    pub new: NewKey,
    /// The one that goes on until its end.
    pub old: ApiKey,
}

/// Whether a merchant may be left without a key that lets its server in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LastKey {
    /// No: the merchant itself asks.
    Stays,
    /// Yes: its operator asks, who can issue another.
    Goes,
}

impl Tenancy<'_> {
    /// A key, not stored yet.
    fn fresh_key(&self, scope: Scope, kind: KeyKind, name: Option<KeyName>) -> NewKey {
        let text = KeyText::new(kind, scope.mode, &self.ids.secret());
        self.key_of(scope, kind, name, text)
    }

    /// The key of a text that its holder has already, not stored yet.
    #[must_use]
    pub fn key_of(
        &self,
        scope: Scope,
        kind: KeyKind,
        name: Option<KeyName>,
        text: KeyText,
    ) -> NewKey {
        let key = ApiKey {
            id: ApiKeyId::new(self.ids.draw()),
            scope,
            kind,
            hash: hash_of_key(text.expose()),
            prefix: text.prefix(),
            name,
            created_at: self.clock.now(),
            last_used_at: None,
            expires_at: None,
        };
        NewKey { key, text }
    }

    /// The keys of a merchant and mode, newest first; ended ones for a while.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn api_keys(&self, scope: Scope) -> Result<Vec<ApiKey>, store::Error> {
        let now = self.clock.now();
        let since = now.checked_sub_signed(LISTED_AFTER_END).unwrap_or(now);
        self.store.api_keys(scope, since, LISTED_MAX).await
    }

    /// Issues a key.
    ///
    /// # Errors
    /// See [`ApiKeyError`]; nothing is stored then.
    pub async fn issue_key(
        &self,
        scope: Scope,
        kind: KeyKind,
        name: Option<KeyName>,
    ) -> Result<NewKey, ApiKeyError> {
        let new = self.fresh_key(scope, kind, name);
        for _ in 0..self.conflicts_max {
            let merchant = self.owner(scope).await?;
            if self.is_written(&new).await? {
                return Ok(new);
            }
            self.check_room(scope).await?;
            let insert = Change::InsertApiKey(Box::new(new.key.clone()));
            if self.write(&merchant, vec![insert]).await? {
                tell(&new.key, "API key issued");
                return Ok(new);
            }
        }
        Err(ApiKeyError::Contended)
    }

    /// Replaces a key by another of its kind. The old one goes on for `grace`.
    ///
    /// # Errors
    /// See [`ApiKeyError`]; nothing is stored then.
    pub async fn rotate_key(
        &self,
        scope: Scope,
        id: ApiKeyId,
        grace: Duration,
    ) -> Result<Rotated, ApiKeyError> {
        let mut old = self.key(scope, id).await?;
        let new = self.fresh_key(scope, old.kind, old.name);
        let expires_at = later(self.clock.now(), grace);
        for _ in 0..self.conflicts_max {
            let merchant = self.owner(scope).await?;
            old = self.key(scope, id).await?;
            let expected = old.expires_at.replace(expires_at);
            if self.is_written(&new).await? {
                return Ok(Rotated { new, old });
            }
            if expected.is_some() {
                return Err(ApiKeyError::Ending);
            }
            self.check_room(scope).await?;
            let changes = vec![
                Change::InsertApiKey(Box::new(new.key.clone())),
                end(id, expires_at, expected),
            ];
            if self.write(&merchant, changes).await? {
                tell(&old, "API key rotated");
                return Ok(Rotated { new, old });
            }
        }
        Err(ApiKeyError::Contended)
    }

    /// Ends a key now; one that has ended stays as it is.
    ///
    /// # Errors
    /// See [`ApiKeyError`]; nothing is stored then.
    pub async fn revoke_key(
        &self,
        scope: Scope,
        id: ApiKeyId,
        last: LastKey,
    ) -> Result<ApiKey, ApiKeyError> {
        for _ in 0..self.conflicts_max {
            let merchant = self.owner(scope).await?;
            let mut key = self.key(scope, id).await?;
            let now = self.clock.now();
            if !key.is_usable(now) {
                return Ok(key);
            }
            if last == LastKey::Stays && key.is_lasting_secret() {
                let keys = self.usable(scope).await?;
                let mut others = keys.iter().filter(|other| other.id != id);
                if !others.any(ApiKey::is_lasting_secret) {
                    return Err(ApiKeyError::Last);
                }
            }
            let expected = key.expires_at.replace(now);
            if self.write(&merchant, vec![end(id, now, expected)]).await? {
                tell(&key, "API key revoked");
                return Ok(key);
            }
        }
        Err(ApiKeyError::Contended)
    }

    /// The keys that open something now.
    async fn usable(&self, scope: Scope) -> Result<Vec<ApiKey>, store::Error> {
        let now = self.clock.now();
        self.store.api_keys(scope, now, KEYS_MAX).await
    }

    async fn check_room(&self, scope: Scope) -> Result<(), ApiKeyError> {
        let count = u32::try_from(self.usable(scope).await?.len());
        if count.is_ok_and(|count| count < KEYS_MAX) {
            Ok(())
        } else {
            Err(ApiKeyError::TooMany)
        }
    }

    /// Whether an earlier round's commit, whose answer was lost, went through.
    async fn is_written(&self, new: &NewKey) -> Result<bool, store::Error> {
        Ok(self.store.any_api_key(new.key.id).await?.is_some())
    }

    async fn key(&self, scope: Scope, id: ApiKeyId) -> Result<ApiKey, ApiKeyError> {
        let found = self.store.any_api_key(id).await?;
        let found = found.filter(|key| key.scope == scope);
        found.ok_or(ApiKeyError::NotFound)
    }

    /// Whose keys are decided about. Read before them: what changes in between is a conflict.
    async fn owner(&self, scope: Scope) -> Result<Merchant, ApiKeyError> {
        let merchant = self.store.merchant(scope.merchant).await?;
        merchant.ok_or(ApiKeyError::NotFound)
    }

    /// Commits what was decided about a merchant's keys on top of the merchant's version, so that
    /// of two decisions at once one is taken again and sees the other. `false`: decide again;
    /// after a doubtful commit the next round finds its own key or end.
    async fn write(
        &self,
        merchant: &Merchant,
        mut changes: Vec<Change>,
    ) -> Result<bool, ApiKeyError> {
        changes.push(Change::UpdateMerchant {
            expected: merchant.version,
            merchant: merchant.next(),
        });
        match self.store.commit(&changes).await {
            Ok(()) => Ok(true),
            Err(CommitError::Conflict | CommitError::InDoubt) => Ok(false),
            Err(CommitError::Store(error)) => Err(error.into()),
        }
    }
}

fn tell(key: &ApiKey, what: &str) {
    let merchant = key.scope.merchant;
    info!(%merchant, mode = %key.scope.mode, key = %key.id, "{what}");
}

fn end(key: ApiKeyId, expires_at: Timestamp, expected: Option<Timestamp>) -> Change {
    Change::EndApiKey {
        key,
        expires_at,
        expected,
    }
}
