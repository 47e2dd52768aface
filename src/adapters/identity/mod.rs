//! Owns the verification of members' tokens: by whom, with which key, and for whom they speak.
//!
//! The library checks signatures. What a token may look like and has to claim is checked here,
//! by our clock, since the library reads a header of two algorithms, and claims given twice, as
//! if there were one (RFC 8725).

mod claims;
mod files;
mod jwks;
mod keys;
mod token;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use application::ports::Clock;
use application::ports::identity::{
    Flaw, Issuer as Vouching, Member, Proof, TokenError, TokenVerifier,
};
use async_trait::async_trait;
use domain::Timestamp;
use tokio::task::JoinSet;

pub use keys::Unfit;

use self::claims::Claimed;
use self::files::Files;
use self::jwks::{Freshness, Jwks};
use self::keys::Key;
use self::token::Token;
use crate::config::Config;
use crate::config::identity::{Algorithm, Issuer};

/// Why tokens cannot be verified as configured.
#[derive(Debug, thiserror::Error)]
pub enum Rejected {
    /// A key's file cannot be read.
    #[error("identity.issuers.{issuer}.keys: {file} cannot be read: {why}")]
    File {
        /// Whose.
        issuer: String,
        /// Which one.
        file: String,
        /// Why.
        why: std::io::Error,
    },
    /// A key proves nothing.
    #[error("identity.issuers.{issuer}.keys: {file}: {why}")]
    Key {
        /// Whose.
        issuer: String,
        /// In which file.
        file: String,
        /// Why.
        why: Unfit,
    },
    /// The address of the keys is none.
    #[error("identity.issuers.{issuer}.jwks_url: not an address that keys can be fetched from")]
    Address {
        /// Whose.
        issuer: String,
    },
}

/// The issuers that are believed.
pub struct Tokens {
    issuers: HashMap<String, Known>,
    bytes_max: usize,
    leeway: i64,
    files_every: Duration,
    clock: Arc<dyn Clock>,
}

/// Who is told how the keys stand.
pub trait Observer: Send + Sync {
    /// So many files of keys have a content that is of no use; their last keys are in use.
    fn stale_files(&self, count: usize);
}

struct Known {
    rules: Issuer,
    vouching: Vouching,
    keys: Keys,
}

enum Keys {
    Files(Files),
    Published(Arc<Jwks>),
}

impl Tokens {
    /// The issuers of these settings, by the time of `clock`.
    ///
    /// # Errors
    /// A key cannot be read, or proves nothing.
    pub fn new(config: &Config, clock: Arc<dyn Clock>) -> Result<Self, Rejected> {
        let settings = &config.identity;
        let freshness = Freshness {
            refresh_every: settings.jwks_refresh_every.duration(),
            refetch_gap: settings.jwks_refetch_gap.duration(),
            stale_max: settings.jwks_stale_max.duration(),
        };
        let published = settings.issuers.values();
        let published = published.filter(|rules| rules.jwks_url.is_some()).count();
        let waiting_max = waiting_max(config.server.requests_max, published);
        let known = |(name, rules): (&String, &Issuer)| {
            let keys = match &rules.jwks_url {
                Some(url) => Jwks::new(url, freshness, waiting_max)
                    .map(Keys::Published)
                    .ok_or_else(|| Rejected::Address {
                        issuer: name.clone(),
                    })?,
                None => Keys::Files(Files::read(name, rules)?),
            };
            let known = Known {
                rules: rules.clone(),
                vouching: Vouching(rules.issuer.as_str().into()),
                keys,
            };
            Ok((rules.issuer.clone(), known))
        };
        let issuers = settings.issuers.iter().map(known);
        Ok(Self {
            issuers: issuers.collect::<Result<_, Rejected>>()?,
            bytes_max: settings.token_bytes_max,
            leeway: i64::try_from(settings.leeway.duration().as_secs()).unwrap_or(0),
            files_every: settings.files_reread_every.duration(),
            clock,
        })
    }

    /// Fetches published keys before they are needed, and looks at files of keys, until it is
    /// dropped.
    pub async fn refresh_continuously(&self, observer: &dyn Observer) {
        tokio::join!(self.fetch_continuously(), self.look_continuously(observer));
    }

    /// Each issuer by itself: a slow one delays no other.
    async fn fetch_continuously(&self) {
        let mut fetching = JoinSet::new();
        for jwks in self.issuers.values().filter_map(Known::jwks) {
            let jwks = Arc::clone(jwks);
            fetching.spawn(async move { jwks.keep_fresh().await });
        }
        fetching.join_all().await;
    }

    async fn look_continuously(&self, observer: &dyn Observer) {
        let files: Vec<&Files> = self.issuers.values().filter_map(Known::files).collect();
        let pause = (!files.is_empty()).then_some(self.files_every);
        loop {
            tokio::time::sleep(pause.unwrap_or(Duration::MAX)).await;
            let mut stale: usize = 0;
            for files in &files {
                stale = stale.saturating_add(files.look().await);
            }
            observer.stale_files(stale);
        }
    }
}

/// How many requests may wait for the keys of one issuer. All of them together take half of the
/// places of requests at most: the rest goes on while no issuer answers.
fn waiting_max(requests_max: usize, published: usize) -> usize {
    let share = requests_max / 2;
    share.checked_div(published).unwrap_or(share).max(1)
}

impl Known {
    const fn jwks(&self) -> Option<&Arc<Jwks>> {
        match &self.keys {
            Keys::Files(_) => None,
            Keys::Published(jwks) => Some(jwks),
        }
    }

    const fn files(&self) -> Option<&Files> {
        match &self.keys {
            Keys::Files(files) => Some(files),
            Keys::Published(_) => None,
        }
    }

    /// The key of this very name.
    async fn key(&self, kid: Option<&String>) -> Result<Key, TokenError> {
        let missing = TokenError::Invalid(Flaw::Key);
        match &self.keys {
            Keys::Files(files) => files.key(kid).ok_or(missing),
            Keys::Published(jwks) => {
                let Some(kid) = kid else {
                    return Err(missing);
                };
                let found = jwks.key(kid).await;
                found.map_err(|_| TokenError::Unavailable)?.ok_or(missing)
            }
        }
    }

    fn takes_type(&self, kind: &str, purpose: Purpose) -> bool {
        // RFC 7515 §4.1.9: the prefix is usually left out, and case does not count.
        let plain = kind.split_at_checked("application/".len());
        let plain = plain.filter(|(prefix, _)| prefix.eq_ignore_ascii_case("application/"));
        let kind = plain.map_or(kind, |(_, rest)| rest);
        let types = match purpose {
            Purpose::Access => &self.rules.types,
            Purpose::Proof => &self.rules.proof_types,
        };
        types.iter().any(|known| known.eq_ignore_ascii_case(kind))
    }
}

/// What a token is for. The types of one purpose are never those of another.
#[derive(Clone, Copy)]
enum Purpose {
    /// To say who speaks.
    Access,
    /// To prove a person.
    Proof,
}

/// A token whose signature holds, and who signed it.
struct Signed<'t> {
    token: Token<'t>,
    known: &'t Known,
}

impl Tokens {
    /// The token, if it is one for this purpose and its issuer signed it.
    async fn signed<'t>(
        &'t self,
        text: &'t str,
        purpose: Purpose,
    ) -> Result<Signed<'t>, TokenError> {
        if text.len() > self.bytes_max {
            return Err(TokenError::Invalid(Flaw::Length));
        }
        let token = Token::parse(text).map_err(TokenError::Invalid)?;
        let issuer = token.claims.text("iss");
        let known = issuer.and_then(|issuer| self.issuers.get(issuer));
        let known = known.ok_or(TokenError::Invalid(Flaw::Issuer))?;
        if !known.takes_type(&token.kind, purpose) {
            return Err(TokenError::Invalid(Flaw::Type));
        }
        let key = known.key(token.kid.as_ref()).await?;
        if token.algorithm != key.algorithm().as_str() {
            return Err(TokenError::Invalid(Flaw::Algorithm));
        }
        if !key.signed(token.message, token.signature) {
            return Err(TokenError::Invalid(Flaw::Signature));
        }
        Ok(Signed { token, known })
    }

    fn claimed<'s>(&self, signed: &'s Signed<'_>) -> Claimed<'s> {
        Claimed {
            claims: &signed.token.claims,
            issuer: &signed.known.rules,
            vouching: &signed.known.vouching,
            now: self.clock.now().timestamp(),
            leeway: self.leeway,
        }
    }
}

/// The keys of a published set that tokens would be verified with, by their names: each with the
/// one algorithm that it is for. None where the text is no set of keys, or none of them is usable.
#[must_use]
pub fn usable_keys(set: &[u8]) -> BTreeMap<String, Algorithm> {
    let ring = jwks::ring_of(set).unwrap_or_default();
    let named = ring.into_iter().map(|(kid, key)| (kid, key.algorithm()));
    named.collect()
}

#[async_trait]
impl TokenVerifier for Tokens {
    async fn verify(&self, token: &str, host: Option<&str>) -> Result<Member, TokenError> {
        let signed = self.signed(token, Purpose::Access).await?;
        self.claimed(&signed).member(host)
    }

    async fn verify_proof(&self, proof: &str, host: Option<&str>) -> Result<Proof, TokenError> {
        let signed = self.signed(proof, Purpose::Proof).await?;
        self.claimed(&signed).proof(host)
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }
}
