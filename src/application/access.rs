//! Owns who may call: API keys by their hash and the tenants behind them, each looked up at most
//! once in a short while, and when each key was used last.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::TimeDelta;
use domain::Timestamp;
use domain::id::{ApiKeyId, MerchantId};
use domain::merchant::{ApiKey, KeyKind, KeyText, Merchant, Status};
use domain::principal::Scope;
use sha2::{Digest, Sha256};
use tokio::time::Instant;

use crate::App;
use crate::ports::identity::{Flaw, Member, TokenError};
use crate::ports::store::{self, KnownKey};
use crate::tenancy::{ApiKeyError, LastKey, Rotated};

/// How many rows of a kind are remembered; the memory starts anew beyond it.
const REMEMBERED_MAX: usize = 10_000;
/// The use of a key is noted at most once in this time.
const NOTED_EVERY: TimeDelta = TimeDelta::minutes(1);

/// Why a caller is refused.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// No such key.
    #[error("the API key is unknown")]
    UnknownKey,
    /// The key was revoked, or replaced and its time of grace is over.
    #[error("the API key has ended")]
    EndedKey,
    /// The merchant may do nothing.
    #[error("the merchant is suspended")]
    Suspended,
    /// A member's token opens nothing.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// SHA-256 of a key's text: what is kept instead of the key.
#[must_use]
pub fn hash_of_key(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

/// Rows read lately, and when they were asked for.
struct Seen<K, V>(Mutex<HashMap<K, (Instant, Arc<V>)>>);

impl<K: Eq + Hash, V> Seen<K, V> {
    fn get(&self, key: &K, believed: Duration) -> Option<Arc<V>> {
        let seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.get(key)
            .filter(|(asked, _)| asked.elapsed() < believed)
            .map(|(_, row)| Arc::clone(row))
    }

    fn put(&self, key: K, asked: Instant, row: Arc<V>) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= REMEMBERED_MAX {
            seen.clear();
        }
        seen.insert(key, (asked, row));
    }

    fn forget(&self, key: &K) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.remove(key);
    }
}

impl<K, V> Default for Seen<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

/// When keys were used last, until it is noted. What is lost of it does no harm.
#[derive(Default)]
struct Uses(Mutex<HashMap<ApiKeyId, Use>>);

/// The last use of a key, and the last that was noted.
#[derive(Clone, Copy)]
struct Use {
    at: Timestamp,
    noted: Option<Timestamp>,
}

impl Uses {
    fn put(&self, key: ApiKeyId, at: Timestamp) {
        let mut uses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if uses.len() >= REMEMBERED_MAX {
            uses.clear();
        }
        let first = Use { at, noted: None };
        uses.entry(key).or_insert(first).at = at;
    }

    /// What is to be noted, `limit` at most.
    fn due(&self, limit: usize) -> Vec<(ApiKeyId, Timestamp)> {
        let uses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = |used: &Use| {
            used.noted
                .is_none_or(|noted| used.at.signed_duration_since(noted) >= NOTED_EVERY)
        };
        let due = uses.iter().filter(|(_, used)| is_due(used));
        due.map(|(key, used)| (*key, used.at)).take(limit).collect()
    }

    fn noted(&self, key: ApiKeyId, at: Timestamp) {
        let mut uses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(used) = uses.get_mut(&key) {
            used.noted = Some(at);
        }
    }
}

/// Keys and tenants read lately, and the uses of keys.
#[derive(Default)]
pub(crate) struct Memory {
    keys: Seen<[u8; 32], KnownKey>,
    merchants: Seen<MerchantId, Merchant>,
    uses: Uses,
}

/// Whose key it is, and what it may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Credential {
    /// Which key it is.
    pub id: ApiKeyId,
    /// For whom it speaks, and in which mode.
    pub scope: Scope,
    /// What it may do.
    pub kind: KeyKind,
}

impl App {
    /// Who presents this key.
    ///
    /// # Errors
    /// The key is unknown or has ended, its merchant is suspended, or the store is away.
    pub async fn authenticate(&self, key: &KeyText) -> Result<Credential, AccessError> {
        let known = self.known_key(hash_of_key(key.expose())).await?;
        let now = self.parts.clock.now();
        if !known.key.is_usable(now) {
            return Err(AccessError::EndedKey);
        }
        match known.merchant.status {
            Status::Active => {}
            Status::Suspended => return Err(AccessError::Suspended),
        }
        self.seen.uses.put(known.key.id, now);
        Ok(Credential {
            id: known.key.id,
            scope: known.key.scope,
            kind: known.key.kind,
        })
    }

    /// One pass: notes when keys were used last; how many.
    ///
    /// # Errors
    /// The store is away.
    pub async fn note_uses(&self) -> Result<u64, store::Error> {
        let limit = usize::try_from(self.parts.bounds.pass_rows).unwrap_or(usize::MAX);
        let mut noted = 0_u64;
        for (key, at) in self.seen.uses.due(limit) {
            self.parts.store.note_use(key, at).await?;
            self.seen.uses.noted(key, at);
            noted = noted.saturating_add(1);
        }
        Ok(noted)
    }

    /// Issues another key of this one's kind; the old one goes on for `grace`.
    ///
    /// # Errors
    /// See [`ApiKeyError`]; nothing is stored then.
    pub async fn rotate_key(
        &self,
        scope: Scope,
        id: ApiKeyId,
        grace: Duration,
    ) -> Result<Rotated, ApiKeyError> {
        let rotated = self.tenancy().rotate_key(scope, id, grace).await?;
        self.seen.keys.forget(&rotated.old.hash);
        Ok(rotated)
    }

    /// Ends a key of a merchant that asks for it itself; not its last one.
    ///
    /// # Errors
    /// See [`ApiKeyError`]; nothing is stored then.
    pub async fn revoke_key(&self, scope: Scope, id: ApiKeyId) -> Result<ApiKey, ApiKeyError> {
        let revoked = self.tenancy().revoke_key(scope, id, LastKey::Stays).await?;
        self.seen.keys.forget(&revoked.hash);
        Ok(revoked)
    }

    /// Who speaks by this token, at the host that the request was sent to.
    ///
    /// # Errors
    /// The token opens nothing, its merchant is suspended, or the store is away.
    pub async fn authenticate_member(
        &self,
        token: &str,
        host: Option<&str>,
    ) -> Result<Member, AccessError> {
        let verified = self.parts.tokens.verify(token, host).await;
        let member = verified.inspect_err(|why| tracing::info!(%why, "a member is refused"))?;
        let merchant = self.known_merchant(member.scope.merchant).await?;
        match merchant.map(|merchant| merchant.status) {
            Some(Status::Active) => Ok(member),
            Some(Status::Suspended) => Err(AccessError::Suspended),
            None => Err(TokenError::Invalid(Flaw::Merchant).into()),
        }
    }

    async fn known_key(&self, hash: [u8; 32]) -> Result<Arc<KnownKey>, AccessError> {
        let believed = self.parts.timings.access_believed;
        if let Some(known) = self.seen.keys.get(&hash, believed) {
            return Ok(known);
        }
        let asked = Instant::now();
        let found = self.parts.store.api_key(&hash).await?;
        let known = Arc::new(found.ok_or(AccessError::UnknownKey)?);
        self.seen.keys.put(hash, asked, Arc::clone(&known));
        Ok(known)
    }

    /// A caller's tenant, as it was a short while ago at most.
    pub(crate) async fn tenant(&self, id: MerchantId) -> Result<Arc<Merchant>, store::Error> {
        let found = self.known_merchant(id).await?;
        found.ok_or_else(|| store::Error::Corrupt {
            table: "merchants",
            id: id.to_string(),
            why: "a caller's merchant is not there".to_owned(),
        })
    }

    async fn known_merchant(&self, id: MerchantId) -> Result<Option<Arc<Merchant>>, store::Error> {
        let believed = self.parts.timings.access_believed;
        if let Some(merchant) = self.seen.merchants.get(&id, believed) {
            return Ok(Some(merchant));
        }
        let asked = Instant::now();
        let found = self.parts.store.merchant(id).await?.map(Arc::new);
        if let Some(merchant) = &found {
            let merchant = Arc::clone(merchant);
            self.seen.merchants.put(id, asked, merchant);
        }
        Ok(found)
    }
}
