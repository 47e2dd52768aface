//! Owns who may call: API keys by their hash and the tenants behind them, each looked up at most
//! once in a short while.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::id::MerchantId;
use domain::merchant::{KeyKind, Merchant, Status};
use domain::principal::Scope;
use sha2::{Digest, Sha256};
use tokio::time::Instant;

use crate::App;
use crate::ports::store::{self, KnownKey};

/// How many rows of a kind are remembered; the memory starts anew beyond it.
const REMEMBERED_MAX: usize = 10_000;

/// Why a caller is refused.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// No such key.
    #[error("the API key is unknown")]
    UnknownKey,
    /// The merchant may do nothing.
    #[error("the merchant is suspended")]
    Suspended,
    /// A publishable key, where a secret one is needed.
    #[error("a publishable key does not open this door")]
    PublishableKey,
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
}

impl<K, V> Default for Seen<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

/// Keys and tenants read lately.
#[derive(Default)]
pub(crate) struct Memory {
    keys: Seen<[u8; 32], KnownKey>,
    merchants: Seen<MerchantId, Merchant>,
}

impl App {
    /// Whose server presents this secret key.
    ///
    /// # Errors
    /// The key is unknown or not a secret one, its merchant is suspended, or the store is away.
    pub async fn authenticate(&self, secret_key: &str) -> Result<Scope, AccessError> {
        let known = self.known_key(hash_of_key(secret_key)).await?;
        match known.merchant.status {
            Status::Active => {}
            Status::Suspended => return Err(AccessError::Suspended),
        }
        match known.key.kind {
            KeyKind::Secret => Ok(known.key.scope),
            KeyKind::Publishable => Err(AccessError::PublishableKey),
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
        let believed = self.parts.timings.access_believed;
        if let Some(merchant) = self.seen.merchants.get(&id, believed) {
            return Ok(merchant);
        }
        let asked = Instant::now();
        let found = self.parts.store.merchant(id).await?;
        let merchant = Arc::new(found.ok_or_else(|| store::Error::Corrupt {
            table: "merchants",
            id: id.to_string(),
            why: "a caller's merchant is not there".to_owned(),
        })?);
        self.seen.merchants.put(id, asked, Arc::clone(&merchant));
        Ok(merchant)
    }
}
