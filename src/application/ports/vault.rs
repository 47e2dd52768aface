//! Owns the port to the vault, which seals secrets for the store, and the type they are carried in.

use std::fmt;
use std::hint::black_box;

use async_trait::async_trait;
use domain::id::{DataKeyId, MerchantId};
use domain::vault::Sealed;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::store;

/// A secret in memory: never shown, and wiped when it is dropped.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

/// By their hashes, and those to their ends: how long it takes tells nothing of either.
impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        let hashed = |secret: &Self| Sha256::digest(secret.0.as_bytes());
        let both = hashed(self).into_iter().zip(hashed(other));
        black_box(both.fold(0, |apart, (one, another)| apart | (one ^ another))) == 0
    }
}

impl Eq for Secret {}

impl Secret {
    /// Takes a text into custody.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text, for who has to use it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self::new(text.to_owned())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// Where a sealed value lies. It can be opened there and nowhere else: a value that was moved to
/// another row is as unreadable as one that was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place<'a> {
    /// Whose row it is.
    pub merchant: MerchantId,
    /// In which table.
    pub table: &'a str,
    /// The row's key.
    pub row: &'a str,
    /// In which column.
    pub column: &'a str,
}

/// Why something was not sealed or opened.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The data key is wrapped with a master key that this process does not have.
    #[error(
        "data key {data_key} of {merchant} is wrapped with master key {master_key:?}, which is \
         not configured (vault.master_keys)"
    )]
    MasterKeyMissing {
        /// Which data key.
        data_key: DataKeyId,
        /// Whose.
        merchant: MerchantId,
        /// Which master key would unwrap it.
        master_key: String,
    },
    /// The master key of this name is another one than the data key was wrapped with, or the
    /// wrapped key was changed.
    #[error("data key {data_key} of {merchant} does not open with master key {master_key:?}")]
    Wrapping {
        /// Which data key.
        data_key: DataKeyId,
        /// Whose.
        merchant: MerchantId,
        /// Which master key was tried.
        master_key: String,
    },
    /// The value was changed, or was sealed for another place.
    #[error("the sealed value in {column} of {table} was changed or belongs elsewhere")]
    Tampered {
        /// In which table.
        table: String,
        /// In which column.
        column: String,
    },
    /// The value names a data key that is not in the store.
    #[error("there is no data key {0}")]
    NoDataKey(DataKeyId),
    /// The cryptographic library refused; never expected.
    #[error("sealing failed")]
    Refused,
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The store did not take a new data key.
    #[error(transparent)]
    Commit(#[from] store::CommitError),
}

/// Seals secrets so that whoever reads or changes the store learns and forges nothing.
#[async_trait]
pub trait Vault: Send + Sync {
    /// Seals `secret` for `place`.
    async fn seal(&self, place: Place<'_>, secret: &Secret) -> Result<Sealed, Error>;

    /// A keyed hash of `secret`, which finds it again without opening anything. The same for every
    /// row of `place`'s merchant, table and column; the row is not looked at.
    async fn index(&self, place: Place<'_>, secret: &Secret) -> Result<[u8; 32], Error>;

    /// Opens what was sealed for `place`.
    async fn open(&self, place: Place<'_>, sealed: &Sealed) -> Result<Secret, Error>;
}
