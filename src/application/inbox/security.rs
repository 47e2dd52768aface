//! Owns what an operator does about the keys that a gateway signs with: keeping an account's first,
//! another one while the old one is still good, and revoking all.

use std::time::Duration;

use domain::Timestamp;
use domain::account::GatewayAccount;
use domain::change::Change;
use domain::id::GatewayAccountId;
use domain::inbox::{self, Number, SecurityKey};

use crate::idempotency::later;
use crate::ports::store::{CommitError, Error};
use crate::ports::vault::{self, Place, Secret};
use crate::ports::{Clock, Store, Vault};

const TABLE: &str = "security_keys";
const COLUMN: &str = "security_key";
/// How many digits a security key has (`toss-api.md §2.1`).
const DIGITS: usize = 64;

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
pub enum SecurityError {
    /// There is no such account.
    #[error("there is no gateway account {0}")]
    NoAccount(GatewayAccountId),
    /// The account has one that lasts already.
    #[error("gateway account {0} has a security key already: rotate it")]
    Set(GatewayAccountId),
    /// It is the one that the account has.
    #[error("gateway account {0} has this security key already")]
    Same(GatewayAccountId),
    /// It cannot be one.
    #[error("a security key has {DIGITS} hexadecimal digits")]
    Form,
    /// It could not be sealed, or another not be opened.
    #[error(transparent)]
    Vault(#[from] vault::Error),
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] Error),
    /// The store did not take it.
    #[error(transparent)]
    Commit(#[from] CommitError),
}

/// Where an account's key lies; `row` is the key's.
pub(super) fn place_of<'p>(account: &GatewayAccount, row: &'p str) -> Place<'p> {
    Place {
        merchant: account.scope.merchant,
        table: TABLE,
        row,
        column: COLUMN,
    }
}

/// What an operator does about security keys.
#[derive(Clone, Copy)]
pub struct SecurityKeys<'k> {
    /// Where they are kept.
    pub store: &'k dyn Store,
    /// What seals them.
    pub vault: &'k dyn Vault,
    /// The real time.
    pub clock: &'k dyn Clock,
}

impl SecurityKeys<'_> {
    /// Keeps the first one of an account.
    ///
    /// # Errors
    /// It is no such key, there is no such account, it has one that lasts, or the store does not
    /// take it.
    pub async fn set(
        &self,
        account: GatewayAccountId,
        key: &Secret,
    ) -> Result<SecurityKey, SecurityError> {
        let usable = self.usable(account).await?;
        if usable.iter().any(|known| known.expires_at.is_none()) {
            return Err(SecurityError::Set(account));
        }
        self.replace(account, key, self.clock.now()).await
    }

    /// Keeps another one. The one before it proves something for `grace` more, and none before
    /// that one: the gateway has two at most.
    ///
    /// # Errors
    /// It is no such key, or the account's newest already; there is no such account, or the store
    /// does not take it.
    pub async fn rotate(
        &self,
        account: GatewayAccountId,
        key: &Secret,
        grace: Duration,
    ) -> Result<SecurityKey, SecurityError> {
        let usable = self.usable(account).await?;
        let newest = usable.iter().find(|known| known.expires_at.is_none());
        if let Some(newest) = newest {
            let owner = self.account(account).await?;
            let row = newest.row();
            let known = self.vault.open(place_of(&owner, &row), &newest.sealed);
            if known.await? == *key {
                return Err(SecurityError::Same(account));
            }
        }
        let end = later(self.clock.now(), grace);
        self.replace(account, key, end).await
    }

    /// None proves anything from now on; how many did.
    ///
    /// # Errors
    /// There is no such account, or the store does not take it.
    pub async fn revoke(&self, account: GatewayAccountId) -> Result<usize, SecurityError> {
        let now = self.clock.now();
        let usable = self.usable(account).await?;
        let changes: Vec<Change> = usable.iter().map(|key| ended(key, now)).collect();
        if !changes.is_empty() {
            self.store.commit(&changes).await?;
        }
        Ok(changes.len())
    }

    /// Keeps this one as the account's only one, where it is not so already: that of a sandbox,
    /// which is told it at each start.
    ///
    /// # Errors
    /// As [`Self::rotate`].
    pub async fn keep(&self, account: GatewayAccountId, key: &Secret) -> Result<(), SecurityError> {
        match self.rotate(account, key, Duration::ZERO).await {
            // Another copy was faster.
            Ok(_) | Err(SecurityError::Same(_) | SecurityError::Commit(CommitError::Conflict)) => {
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Those that prove something now, newest first.
    ///
    /// # Errors
    /// There is no such account, or the store is away.
    pub async fn usable(
        &self,
        account: GatewayAccountId,
    ) -> Result<Vec<SecurityKey>, SecurityError> {
        self.account(account).await?;
        let now = self.clock.now();
        Ok(self.store.inbox().security_keys(account, now).await?)
    }

    async fn account(&self, id: GatewayAccountId) -> Result<GatewayAccount, SecurityError> {
        let known = self.store.gateway_account(id).await?;
        known.ok_or(SecurityError::NoAccount(id))
    }

    /// Another key; the one that lasted ends at `end`, and those before it now.
    async fn replace(
        &self,
        account: GatewayAccountId,
        key: &Secret,
        end: Timestamp,
    ) -> Result<SecurityKey, SecurityError> {
        let is_digit = |c: char| c.is_ascii_hexdigit();
        if key.expose().len() != DIGITS || !key.expose().chars().all(is_digit) {
            return Err(SecurityError::Form);
        }
        let owner = self.account(account).await?;
        let now = self.clock.now();
        let ends = |known: &SecurityKey| {
            let end = if known.expires_at.is_none() { end } else { now };
            ended(known, end)
        };
        let mut changes: Vec<Change> = self.usable(account).await?.iter().map(ends).collect();
        let last = self.store.inbox().last_security_key(account).await?;
        let number = last.map_or(Number::FIRST, Number::next);
        let row = SecurityKey::row_of(account, number);
        let sealed = self.vault.seal(place_of(&owner, &row), key).await?;
        let key = SecurityKey {
            account,
            number,
            sealed,
            created_at: now,
            expires_at: None,
        };
        let insert = inbox::Change::InsertSecurityKey(Box::new(key.clone()));
        changes.push(Change::Inbox(Box::new(insert)));
        self.store.commit(&changes).await?;
        Ok(key)
    }
}

fn ended(key: &SecurityKey, end: Timestamp) -> Change {
    Change::Inbox(Box::new(inbox::Change::EndSecurityKey {
        account: key.account,
        number: key.number,
        expires_at: end,
        expected: key.expires_at,
    }))
}
