//! Owns tenants, their API keys and their credentials at a gateway.

use std::fmt;
use std::str::FromStr;

use crate::Timestamp;
use crate::id::{ApiKeyId, GatewayAccountId, MerchantId};
use crate::principal::{Scope, UnknownWord};

/// A tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merchant {
    /// Its id.
    pub id: MerchantId,
    /// Its name, for people.
    pub name: String,
    /// Since when.
    pub created_at: Timestamp,
}

/// What an API key may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyKind {
    /// For a browser: opens a payment window, nothing else.
    Publishable,
    /// For the merchant's server.
    Secret,
}

impl KeyKind {
    /// The stored and shown word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Publishable => "publishable",
            Self::Secret => "secret",
        }
    }
}

impl FromStr for KeyKind {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        [Self::Publishable, Self::Secret]
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| UnknownWord(text.to_owned()))
    }
}

/// An API key: only the hash of its 256 random bits is kept.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// The row's id.
    pub id: ApiKeyId,
    /// Whose, and in which mode.
    pub scope: Scope,
    /// What it may do.
    pub kind: KeyKind,
    /// SHA-256 of the key's text.
    pub hash: [u8; 32],
    /// Since when.
    pub created_at: Timestamp,
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiKey")
            .field("id", &self.id)
            .field("scope", &self.scope)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

/// A merchant's account at a gateway; its secret is not in here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayAccount {
    /// Its id.
    pub id: GatewayAccountId,
    /// Whose, and in which mode.
    pub scope: Scope,
    /// Which gateway adapter serves it, for example `toss`.
    pub gateway: String,
    /// The merchant id at the gateway: given, or pinned at the first answer.
    pub merchant_id: Option<String>,
    /// Raised when the secret key is replaced: the gateway's key scope includes our API key.
    pub credential_version: i32,
    /// Since when.
    pub created_at: Timestamp,
}
