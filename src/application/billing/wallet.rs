//! Owns what members do about their stored payment methods: register one, list them, prefer one,
//! delete one. Whatever the gateway has to do about it is durable before it is asked.

use std::sync::Arc;

use domain::billing::{self, BillingKey, Stage, Status, Work};
use domain::change::Change;
use domain::id::BillingKeyId;
use domain::merchant::GatewayAccount;
use domain::payment::Kind;
use domain::text::{CustomerKey, MemberId};
use tokio::time::timeout_at;

use super::retire::update;
use super::sealed::{AUTH_KEY, Spot, index_in};
use crate::crash::crash_point;
use crate::patience::Patience;
use crate::payments::{PrepareError, Taking};
use crate::ports::gateway::Refused;
use crate::ports::store::{self, CommitError};
use crate::ports::vault::{self, Secret};
use crate::trace;
use crate::{App, Caller};

/// What comes back from the registration of a card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Register {
    /// The customer key that was handed out for it.
    pub customer_key: CustomerKey,
    /// What the gateway's window gave the member's browser; taken once.
    pub auth_key: Secret,
}

/// What the gateway's window is opened with to register a card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// What it will be.
    pub key: BillingKey,
    /// The account's public key, where there is one.
    pub client_key: Option<String>,
}

/// Why nothing was done about a billing key.
#[derive(Debug, thiserror::Error)]
pub enum WalletError {
    /// No such key of this caller, or no member to whom it could belong.
    #[error("no such billing key")]
    NotFound,
    /// A charge with it is unresolved.
    #[error("the billing key is being charged")]
    InUse,
    /// The key does not take it as it is now.
    #[error(transparent)]
    Unfit(#[from] billing::Illegal),
    /// The merchant has no gateway account here that takes payments.
    #[error("there is no gateway for it")]
    NoGateway,
    /// The key's gateway account takes nothing new.
    #[error("the gateway account is disabled")]
    AccountDisabled,
    /// The gateway should not be called now.
    #[error(transparent)]
    Gateway(#[from] Refused),
    /// Nothing could be sealed or opened.
    #[error(transparent)]
    Vault(#[from] vault::Error),
    /// Others were first, again and again.
    #[error("too many conflicts; try again")]
    Contended,
    /// The process is ending.
    #[error("the service is shutting down")]
    Stopping,
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl App {
    /// Hands out a customer key, random and ours, for a member who is about to register a card.
    ///
    /// # Errors
    /// See [`WalletError`]; nothing is stored then.
    pub async fn open_wallet(
        &self,
        caller: &Caller,
        member: MemberId,
    ) -> Result<Opened, WalletError> {
        if caller.member.as_ref().is_some_and(|own| *own != member) {
            return Err(WalletError::NotFound);
        }
        let taking = Taking {
            kind: Kind::Billing,
            method: None,
        };
        let account = self.account_for(caller.scope, taking).await;
        let account = account.map_err(|error| match error {
            PrepareError::AccountDisabled => WalletError::AccountDisabled,
            PrepareError::Store(error) => WalletError::Store(error),
            PrepareError::OrderTaken { .. }
            | PrepareError::TaxFreeOverAmount
            | PrepareError::CurrencyDisabled
            | PrepareError::ZeroAmount
            | PrepareError::NoGateway
            | PrepareError::NotTaken
            | PrepareError::NotFound
            | PrepareError::Refused(_)
            | PrepareError::Key(_)
            | PrepareError::Contended => WalletError::NoGateway,
        })?;
        let customer_key = format!("cus_{}", self.draw());
        let key = BillingKey {
            id: BillingKeyId::new(self.draw()),
            scope: caller.scope,
            account,
            member,
            customer_key: customer_key.parse().expect("drawn of allowed characters"),
            stage: Stage::Registered,
            created_at: self.parts.clock.now(),
            version: 1,
        };
        let insert = billing::Change::Insert(Box::new(key.clone()));
        let insert = Change::Billing(Box::new(insert));
        match self.parts.store.commit(&[insert]).await {
            Ok(()) => {}
            // Nobody was told of it: whether it is there does not matter.
            Err(CommitError::Conflict | CommitError::InDoubt) => {
                return Err(WalletError::Contended);
            }
            Err(CommitError::Store(error)) => return Err(error.into()),
        }
        let client_key = self.client_key(account);
        Ok(Opened { key, client_key })
    }

    /// Has the gateway make a billing key of what the member's browser brought. A repeat is told
    /// how it is.
    ///
    /// # Errors
    /// See [`WalletError`]; nothing is stored and nothing was sent then.
    pub async fn register_card(
        self: &Arc<Self>,
        caller: &Caller,
        command: &Register,
    ) -> Result<BillingKey, WalletError> {
        let store = &self.parts.store;
        let owner = caller.owner();
        for _ in 0..self.parts.bounds.conflicts_max {
            let found = store.billing_key_of(&owner, &command.customer_key).await?;
            let key = found.ok_or(WalletError::NotFound)?;
            if key.status() != Status::Registered {
                return Ok(key);
            }
            let gateway = self.parts.gateways.of(key.account);
            let gateway = gateway.ok_or(WalletError::NoGateway)?;
            let terms = gateway.terms();
            if !terms.active {
                return Err(WalletError::AccountDisabled);
            }
            gateway.admit()?;
            let spot = Spot::of(&key, AUTH_KEY);
            let vault = &self.parts.post.vault;
            let sealed = vault.seal(spot.place(), &command.auth_key).await?;
            let work = Work::begun(terms.credential_version, self.parts.clock.now());
            let expected = key.version;
            let issuing = key.begin_issue(sealed, work)?;
            let begin = update(issuing.clone(), expected, Some(self.runner.hold()));
            crash_point!("card.before_begin_commit");
            if self.begun(&[begin]).await? {
                crash_point!("card.after_begin_commit");
                return self.worked_on(issuing).await;
            }
        }
        Err(WalletError::Contended)
    }

    /// A member's cards, newest first.
    ///
    /// # Errors
    /// The store is away, or the member is another one than the caller.
    pub async fn wallet(
        &self,
        caller: &Caller,
        member: &MemberId,
    ) -> Result<Vec<BillingKey>, WalletError> {
        if caller.member.as_ref().is_some_and(|own| own != member) {
            return Err(WalletError::NotFound);
        }
        let limit = self.parts.bounds.billing_keys;
        let store = &self.parts.store;
        Ok(store.billing_keys(caller.scope, member, limit).await?)
    }

    /// One of the caller's cards, whatever became of it.
    ///
    /// # Errors
    /// See [`WalletError`].
    pub async fn card(&self, caller: &Caller, id: BillingKeyId) -> Result<BillingKey, WalletError> {
        self.own_key(caller, id).await
    }

    /// Lets the member pay with this card where nothing else is said.
    ///
    /// # Errors
    /// See [`WalletError`].
    pub async fn prefer_card(
        &self,
        caller: &Caller,
        id: BillingKeyId,
    ) -> Result<BillingKey, WalletError> {
        for _ in 0..self.parts.bounds.conflicts_max {
            let key = self.own_key(caller, id).await?;
            if key.is_default() {
                return Ok(key);
            }
            let mut changes = Vec::new();
            let dues = self.parts.store.dues();
            if let Some(other) = dues.default_card(key.scope, &key.member).await? {
                let expected = other.version;
                changes.push(update(other.with_default(false)?, expected, None));
            }
            let expected = key.version;
            let preferred = key.with_default(true)?;
            changes.push(update(preferred, expected, None));
            if self.begun(&changes).await? {
                return self.own_key(caller, id).await;
            }
        }
        Err(WalletError::Contended)
    }

    /// Has the gateway delete a card, which is charged no more from now on. The newest of the
    /// others takes its place where it was the default. A repeat is told how it is.
    ///
    /// # Errors
    /// See [`WalletError`]; [`WalletError::InUse`] while a charge with it is unresolved, for its
    /// outcome may have to be asked for with the key.
    pub async fn delete_card(
        self: &Arc<Self>,
        caller: &Caller,
        id: BillingKeyId,
    ) -> Result<BillingKey, WalletError> {
        for _ in 0..self.parts.bounds.conflicts_max {
            let key = self.own_key(caller, id).await?;
            match key.status() {
                Status::Active => {}
                Status::Deleting | Status::Deleted | Status::Failed => return Ok(key),
                Status::Registered | Status::Issuing => {
                    return Err(billing::Illegal(key.status()).into());
                }
            }
            // Read after the key: whoever charges it since has moved it.
            if self.parts.store.is_charging(id).await? {
                return Err(WalletError::InUse);
            }
            let gateway = self.parts.gateways.of(key.account);
            let version = gateway.map_or(1, |gateway| gateway.terms().credential_version);
            let mut changes = self.runner.stand_in(&key).await?;
            let expected = key.version;
            let deleting = key.begin_delete(Work::begun(version, self.parts.clock.now()))?;
            let hold = Some(self.runner.hold());
            changes.push(update(deleting.clone(), expected, hold));
            if self.begun(&changes).await? {
                return self.worked_on(deleting).await;
            }
        }
        Err(WalletError::Contended)
    }

    /// The gateway says that it deleted this key of an account. Whether that is so cannot be asked
    /// (`toss-api.md §16.1` has no question about a key): it is believed, for the key is named by
    /// what only the gateway and our vault know, and no money moves because of it. Whether it was
    /// a key of this account that is kept here.
    ///
    /// # Errors
    /// The store or the vault is away; [`WalletError::InUse`] while a charge with it is unresolved,
    /// for the charge may have to be repeated with the key.
    pub async fn card_is_gone(
        &self,
        account: &GatewayAccount,
        billing_key: &Secret,
    ) -> Result<bool, WalletError> {
        let scope = account.scope;
        let index = match index_in(billing_key) {
            Some(index) => index,
            None => self.index_of_key(scope, billing_key).await?,
        };
        for _ in 0..self.parts.bounds.conflicts_max {
            let found = self.parts.store.billing_key_by_index(scope, &index).await?;
            let Some(key) = found.filter(|key| key.account == account.id) else {
                return Ok(false);
            };
            // Read after the key: whoever charges it since has moved it.
            if self.parts.store.is_charging(key.id).await? {
                return Err(WalletError::InUse);
            }
            let mut changes = self.runner.stand_in(&key).await?;
            let expected = key.version;
            let gone = key.clone().deleted()?;
            changes.extend(gone.told_since(&key, self.parts.clock.now()));
            changes.push(update(gone, expected, None));
            if self.begun(&changes).await? {
                return Ok(true);
            }
        }
        Err(WalletError::Contended)
    }

    async fn own_key(&self, caller: &Caller, id: BillingKeyId) -> Result<BillingKey, WalletError> {
        let found = self.parts.store.billing_key(&caller.owner(), id).await?;
        found.ok_or(WalletError::NotFound)
    }

    /// Whether it was written; else it is to be decided again.
    async fn begun(&self, changes: &[Change]) -> Result<bool, WalletError> {
        if self.runner.drain.is_cancelled() {
            return Err(WalletError::Stopping);
        }
        match self.parts.store.commit(changes).await {
            Ok(()) => Ok(true),
            // Where it was written after all, the next look finds it so.
            Err(CommitError::Conflict | CommitError::InDoubt) => Ok(false),
            Err(CommitError::Store(error)) => Err(error.into()),
        }
    }

    /// The key once its call is over, or as it is when patience is; a caller that leaves changes
    /// nothing.
    async fn worked_on(self: &Arc<Self>, key: BillingKey) -> Result<BillingKey, WalletError> {
        let (id, app) = (key.id, Arc::clone(self));
        let patience = Arc::new(Patience::of(self.parts.timings.patience));
        let lent = Arc::clone(&patience);
        let task = async move { app.runner.work(key, &lent).await };
        let task = self.runner.tasks.spawn(trace::carried(task));
        // Whether it is over, lost or at work still: what is durable tells.
        let _ = timeout_at(patience.until(), task).await;
        let found = self.parts.store.any_billing_key(id).await?;
        found.ok_or(WalletError::NotFound)
    }
}
