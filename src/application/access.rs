//! Owns who may call: API keys by their hash, looked up at most once in a short while.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use domain::merchant::{ApiKey, KeyKind};
use domain::principal::Scope;
use sha2::{Digest, Sha256};
use tokio::time::Instant;

use crate::App;
use crate::ports::store;

/// How long a key is believed without asking the store; a revoked one is refused after it.
const BELIEVED: Duration = Duration::from_secs(10);
/// How many keys are remembered; the memory starts anew beyond it.
const REMEMBERED_MAX: usize = 10_000;

/// Why a caller is refused.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// No such key.
    #[error("the API key is unknown")]
    UnknownKey,
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

/// Keys seen lately.
#[derive(Default)]
pub(crate) struct KeyCache(Mutex<HashMap<[u8; 32], (Instant, ApiKey)>>);

impl KeyCache {
    fn get(&self, hash: &[u8; 32]) -> Option<ApiKey> {
        let seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.get(hash)
            .filter(|(at, _)| at.elapsed() < BELIEVED)
            .map(|(_, key)| key.clone())
    }

    fn put(&self, key: ApiKey) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= REMEMBERED_MAX {
            seen.clear();
        }
        seen.insert(key.hash, (Instant::now(), key));
    }
}

impl App {
    /// Whose server presents this secret key.
    ///
    /// # Errors
    /// The key is unknown or not a secret one, or the store is away.
    pub async fn authenticate(&self, secret_key: &str) -> Result<Scope, AccessError> {
        let hash = hash_of_key(secret_key);
        let key = if let Some(key) = self.keys.get(&hash) {
            key
        } else {
            let found = self.parts.store.api_key(&hash).await?;
            let key = found.ok_or(AccessError::UnknownKey)?;
            self.keys.put(key.clone());
            key
        };
        match key.kind {
            KeyKind::Secret => Ok(key.scope),
            KeyKind::Publishable => Err(AccessError::PublishableKey),
        }
    }
}
