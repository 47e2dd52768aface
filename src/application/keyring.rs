//! Owns the care of accounts at gateways: who gives them credentials, replaces those, and decides
//! whether they take new payments.

use domain::account::{Credentials, GatewayAccount, Status};
use domain::change::Change;
use domain::id::GatewayAccountId;
use domain::payment::PayStatus;
use domain::text::PaymentKey;

use crate::ports::store::{self, CommitError, PaymentFilter};
use crate::ports::vault::{self, Place, Secret};
use crate::ports::{Store, Vault};

const TABLE: &str = "gateway_accounts";
const SECRET_KEY: &str = "secret_key";
const CLIENT_KEY: &str = "client_key";
/// How often a decision is taken again after somebody else was first.
const TRIES: usize = 5;
/// How many payments are looked through for one of an account.
const WITNESSES_MAX: u32 = 100;

/// What an account is called with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyPair {
    /// For the service's calls.
    pub secret_key: Secret,
    /// For the payment window.
    pub client_key: Secret,
}

/// Why an account was not changed.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    /// No such account.
    #[error("there is no gateway account {0}")]
    NotFound(GatewayAccountId),
    /// There is no such merchant.
    #[error("there is no such merchant")]
    NoMerchant,
    /// Others were first, again and again.
    #[error("too many conflicts; try again")]
    Contended,
    /// Nothing could be sealed or opened.
    #[error(transparent)]
    Vault(#[from] vault::Error),
    /// The store did not take it.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// Whether the store took it is not known.
    #[error(transparent)]
    Commit(#[from] CommitError),
}

/// What became of the credentials that configuration names for an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seeded {
    /// The account had none, and has these now.
    First,
    /// They take the place of others that configuration had named.
    Replaced,
    /// It has them already.
    Unchanged,
    /// Somebody gave it others by hand; those stay.
    Foreign,
}

/// The accounts in a store and the vault that seals their credentials.
#[derive(Clone, Copy)]
pub struct Keyring<'a> {
    /// Where they are kept.
    pub store: &'a dyn Store,
    /// What seals them.
    pub vault: &'a dyn Vault,
}

impl Keyring<'_> {
    /// Adds an account with these credentials.
    ///
    /// # Errors
    /// See [`KeyringError`]; nothing is stored then.
    pub async fn add(
        &self,
        account: GatewayAccount,
        keys: &KeyPair,
    ) -> Result<GatewayAccount, KeyringError> {
        let account = GatewayAccount {
            credentials: Some(self.seal(&account, keys, false).await?),
            ..account
        };
        self.add_keyless(account).await
    }

    /// Adds an account as it is: at a gateway that takes no keys, without any.
    ///
    /// # Errors
    /// See [`KeyringError`]; nothing is stored then.
    pub async fn add_keyless(
        &self,
        account: GatewayAccount,
    ) -> Result<GatewayAccount, KeyringError> {
        let merchant = self.store.merchant(account.scope.merchant).await?;
        merchant.ok_or(KeyringError::NoMerchant)?;
        let change = Change::InsertGatewayAccount(account.clone());
        self.store.commit(&[change]).await?;
        Ok(account)
    }

    /// Gives an account these credentials in place of what it has; as it is then.
    ///
    /// # Errors
    /// See [`KeyringError`].
    pub async fn replace(
        &self,
        id: GatewayAccountId,
        keys: &KeyPair,
    ) -> Result<GatewayAccount, KeyringError> {
        for _ in 0..TRIES {
            let account = self.account(id).await?;
            match self.set(&account, keys, false).await {
                Ok(()) => return self.account(id).await,
                Err(KeyringError::Commit(CommitError::Conflict)) => {}
                Err(error) => return Err(error),
            }
        }
        Err(KeyringError::Contended)
    }

    /// A payment that was taken on this account lately, where there is one: keys of the same
    /// merchant at the gateway can see it, and those of another cannot.
    ///
    /// # Errors
    /// The store is away.
    pub async fn witness(
        &self,
        account: &GatewayAccount,
    ) -> Result<Option<PaymentKey>, store::Error> {
        let taken = PaymentFilter {
            status: Some(PayStatus::Done),
            ..PaymentFilter::default()
        };
        let newest = self
            .store
            .payments(account.scope, &taken, None, WITNESSES_MAX)
            .await?;
        let mut here = newest
            .into_iter()
            .filter(|payment| payment.facts.account == account.id);
        Ok(here.find_map(|payment| payment.paid.map(|paid| paid.payment_key)))
    }

    /// Lets an account take new payments, or no more; as it is then.
    ///
    /// # Errors
    /// See [`KeyringError`].
    pub async fn set_status(
        &self,
        id: GatewayAccountId,
        status: Status,
    ) -> Result<GatewayAccount, KeyringError> {
        for _ in 0..TRIES {
            let account = self.account(id).await?;
            if account.status == status {
                return Ok(account);
            }
            let change = Change::SetAccountStatus {
                account: id,
                status,
            };
            match self.store.commit(&[change]).await {
                // What is so now is read: a doubtful commit is done again where it has to be.
                Ok(()) | Err(CommitError::Conflict | CommitError::InDoubt) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(KeyringError::Contended)
    }

    /// Gives an account the credentials that configuration names: where it has none, and where it
    /// has others that configuration named and `replaces` says so.
    ///
    /// # Errors
    /// See [`KeyringError`].
    pub async fn seed(
        &self,
        account: &GatewayAccount,
        keys: &KeyPair,
        replaces: bool,
    ) -> Result<Seeded, KeyringError> {
        let seeded = match &account.credentials {
            None => Seeded::First,
            Some(own) if !own.seeded => return Ok(Seeded::Foreign),
            Some(_) if !replaces => return Ok(Seeded::Unchanged),
            Some(_) => match self.open(account).await {
                Ok(own) if own.as_ref() == Some(keys) => return Ok(Seeded::Unchanged),
                // What was tampered with is put right: the configuration knows what it was.
                Ok(_) | Err(vault::Error::Tampered { .. }) => Seeded::Replaced,
                Err(error) => return Err(error.into()),
            },
        };
        match self.set(account, keys, true).await {
            Ok(()) => Ok(seeded),
            // Another copy of the service seeds it at the same time.
            Err(KeyringError::Commit(CommitError::Conflict)) => Ok(Seeded::Unchanged),
            Err(error) => Err(error),
        }
    }

    /// An account's credentials, opened; none where it has none.
    ///
    /// # Errors
    /// They do not open, or the store is away.
    pub async fn open(&self, account: &GatewayAccount) -> Result<Option<KeyPair>, vault::Error> {
        let Some(credentials) = &account.credentials else {
            return Ok(None);
        };
        let row = account.id.to_string();
        let place = |column| place(account, &row, column);
        let (secret_key, client_key) = (&credentials.secret_key, &credentials.client_key);
        Ok(Some(KeyPair {
            secret_key: self.vault.open(place(SECRET_KEY), secret_key).await?,
            client_key: self.vault.open(place(CLIENT_KEY), client_key).await?,
        }))
    }

    async fn seal(
        &self,
        account: &GatewayAccount,
        keys: &KeyPair,
        seeded: bool,
    ) -> Result<Credentials, vault::Error> {
        let row = account.id.to_string();
        let place = |column| place(account, &row, column);
        Ok(Credentials {
            secret_key: self.vault.seal(place(SECRET_KEY), &keys.secret_key).await?,
            client_key: self.vault.seal(place(CLIENT_KEY), &keys.client_key).await?,
            seeded,
        })
    }

    async fn set(
        &self,
        account: &GatewayAccount,
        keys: &KeyPair,
        seeded: bool,
    ) -> Result<(), KeyringError> {
        let has_some = account.credentials.is_some();
        let change = Change::SetCredentials {
            account: account.id,
            credentials: Box::new(self.seal(account, keys, seeded).await?),
            replaced: has_some.then_some(account.credential_version),
        };
        Ok(self.store.commit(&[change]).await?)
    }

    async fn account(&self, id: GatewayAccountId) -> Result<GatewayAccount, KeyringError> {
        let found = self.store.gateway_account(id).await?;
        found.ok_or(KeyringError::NotFound(id))
    }
}

fn place<'a>(account: &GatewayAccount, row: &'a str, column: &'a str) -> Place<'a> {
    Place {
        merchant: account.scope.merchant,
        table: TABLE,
        row,
        column,
    }
}
