//! Owns the keys that an issuer publishes: fetched ahead of need, by one fetch at a time.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use jsonwebtoken::jwk::Jwk;
use reqwest::{Url, redirect, retry, tls};
use serde_json::Value;
use tokio::sync::{Mutex, Semaphore};
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use super::keys::{Key, Unfit};

/// No honest set of keys comes near it.
const BODY_BYTES_MAX: usize = 256 * 1024;
/// Nobody rotates through more keys; the rest is not looked at.
const KEYS_MAX: usize = 64;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const TOTAL_TIMEOUT: Duration = Duration::from_secs(5);

/// How fresh the keys of a set have to be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Freshness {
    /// They are fetched anew after this time.
    pub(super) refresh_every: Duration,
    /// The pause from the end of a fetch to the next one, whatever is asked for.
    pub(super) refetch_gap: Duration,
    /// They are not believed any more after this time.
    pub(super) stale_max: Duration,
}

/// The keys cannot be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unavailable;

/// Why a set of keys was not taken.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unfetched {
    #[error("no answer: {0}")]
    Http(#[from] reqwest::Error),
    #[error("answered with status {0}")]
    Status(u16),
    #[error("the answer is too large")]
    TooLarge,
    #[error("the answer is not a set of keys")]
    NotKeys,
    #[error("none of its keys can be used")]
    NoKey,
}

/// Keys by their names.
pub(super) type Ring = HashMap<String, Key>;

/// The keys at one address.
pub(super) struct Jwks {
    http: reqwest::Client,
    url: Url,
    freshness: Freshness,
    kept: RwLock<Kept>,
    /// Held by the fetch under way.
    flight: Arc<Mutex<()>>,
    /// The places of those who wait for one: a request that waits is in the way of others.
    waiting: Semaphore,
    fetches: TaskTracker,
}

#[derive(Default)]
struct Kept {
    ring: Ring,
    /// When they were asked for that are in the ring.
    fetched: Option<Instant>,
    /// When a fetch began or ended last.
    tried: Option<Instant>,
}

impl Jwks {
    /// The keys at `url`; none is fetched yet, and no more than `waiting_max` wait for a fetch.
    /// `None` when they cannot be fetched there.
    pub(super) fn new(url: &str, freshness: Freshness, waiting_max: usize) -> Option<Arc<Self>> {
        let url = Url::parse(url).ok()?;
        // The address is logged; a password in it would be, too.
        if !url.username().is_empty() || url.password().is_some() {
            return None;
        }
        let encrypted = url.scheme() == "https";
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TOTAL_TIMEOUT)
            // Whoever can redirect us could choose the keys.
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .no_proxy()
            .https_only(encrypted)
            .tls_version_min(tls::Version::TLS_1_2)
            .user_agent(concat!("payflow/", env!("CARGO_PKG_VERSION")));
        // A bare machine has no certificates, and the loopback address needs none.
        let http = if encrypted {
            http
        } else {
            http.tls_certs_only([])
        };
        Some(Arc::new(Self {
            http: http.build().ok()?,
            url,
            freshness,
            kept: RwLock::default(),
            flight: Arc::default(),
            waiting: Semaphore::new(waiting_max),
            fetches: TaskTracker::new(),
        }))
    }

    /// The key of this name. One that is not known is looked for once, at its issuer; when too many
    /// wait for that already, it cannot be had.
    pub(super) async fn key(self: &Arc<Self>, kid: &str) -> Result<Option<Key>, Unavailable> {
        if let Ok(Some(key)) = self.known(kid) {
            return Ok(Some(key));
        }
        let _waiting = self.waiting.try_acquire().map_err(|_| Unavailable)?;
        let gap = self.freshness.refetch_gap;
        self.fetch_unless(|kept| kept.tried.is_some_and(|at| at.elapsed() < gap))
            .await;
        self.known(kid)
    }

    /// Fetches the keys anew whenever it is time to, until it is dropped.
    pub(super) async fn keep_fresh(self: &Arc<Self>) {
        loop {
            let freshness = self.freshness;
            self.fetch_unless(|kept| kept.due(freshness) > Instant::now())
                .await;
            let due = self.read().due(freshness);
            tokio::time::sleep_until(due).await;
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, Kept> {
        self.kept.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Kept> {
        self.kept.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn known(&self, kid: &str) -> Result<Option<Key>, Unavailable> {
        let kept = self.read();
        match kept.fetched {
            Some(at) if at.elapsed() < self.freshness.stale_max => Ok(kept.ring.get(kid).cloned()),
            Some(_) | None => Err(Unavailable),
        }
    }

    /// Waits for the fetch under way, then fetches unless what is kept by then makes it needless.
    /// The fetch is a task of its own: a caller that leaves neither ends it nor begins another.
    async fn fetch_unless(self: &Arc<Self>, needless: impl FnOnce(&Kept) -> bool) {
        let flight = Arc::clone(&self.flight).lock_owned().await;
        let asked = Instant::now();
        {
            let mut kept = self.write();
            if needless(&kept) {
                return;
            }
            kept.tried = Some(asked);
        }
        let jwks = Arc::clone(self);
        let task = self.fetches.spawn(async move {
            let fetched = jwks.fetch().await;
            let mut kept = jwks.write();
            match fetched {
                Ok(ring) => {
                    kept.ring = ring;
                    kept.fetched = Some(asked);
                }
                Err(why) => tracing::warn!(url = %jwks.url, %why, "keys of an issuer not fetched"),
            }
            // The gap may be shorter than the fetch was; those who waited for it are not to begin
            // another.
            kept.tried = Some(Instant::now());
            drop(kept);
            drop(flight);
        });
        if task.await.is_err() {
            tracing::error!(url = %self.url, "a fetch of keys was lost");
        }
    }

    async fn fetch(&self) -> Result<Ring, Unfetched> {
        let mut response = self.http.get(self.url.clone()).send().await?;
        if response.status() != reqwest::StatusCode::OK {
            return Err(Unfetched::Status(response.status().as_u16()));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            if body.len().saturating_add(chunk.len()) > BODY_BYTES_MAX {
                return Err(Unfetched::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        ring_of(&body)
    }
}

impl Kept {
    /// When the keys are to be fetched anew, whether anybody asks for one or not.
    fn due(&self, freshness: Freshness) -> Instant {
        let after = |at: Option<Instant>, pause| at.and_then(|at| at.checked_add(pause));
        let aged = after(self.fetched, freshness.refresh_every);
        let rested = after(self.tried, freshness.refetch_gap);
        aged.max(rested).unwrap_or_else(Instant::now)
    }
}

/// The usable keys of a set. A name that comes twice names no key; a key without one is none.
pub(super) fn ring_of(body: &[u8]) -> Result<Ring, Unfetched> {
    let set: Value = serde_json::from_slice(body).map_err(|_| Unfetched::NotKeys)?;
    let keys = set.get("keys").and_then(Value::as_array);
    let mut found: Vec<(String, Key)> = Vec::new();
    let mut twice: Vec<String> = Vec::new();
    for value in keys.ok_or(Unfetched::NotKeys)?.iter().take(KEYS_MAX) {
        let Some(kid) = value.get("kid").and_then(Value::as_str) else {
            continue;
        };
        let key = if value.get("d").is_some() {
            Err(Unfit::Private)
        } else {
            let jwk = serde_json::from_value::<Jwk>(value.clone());
            jwk.map_err(|_| Unfit::Form)
                .and_then(|jwk| Key::of_jwk(&jwk))
        };
        match key {
            Ok(_) if found.iter().any(|(known, _)| known == kid) => twice.push(kid.to_owned()),
            Ok(key) => found.push((kid.to_owned(), key)),
            Err(why) => tracing::debug!(%why, "a published key is left out"),
        }
    }
    found.retain(|(kid, _)| !twice.contains(kid));
    if found.is_empty() {
        return Err(Unfetched::NoKey);
    }
    Ok(found.into_iter().collect())
}
