//! Owns what the runner knows of gateway accounts: credentials in force, and whose answers count.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use domain::change::Change;
use domain::id::GatewayAccountId;
use domain::merchant::GatewayAccount;
use domain::snapshot::{Answer, Cause, Snapshot};
use tracing::{error, info, warn};

use crate::Runner;
use crate::ports::store::{self, CommitError};

/// Accounts whose merchant id is known; those never change under a running process.
#[derive(Default)]
pub(crate) struct Accounts(RwLock<HashMap<GatewayAccountId, GatewayAccount>>);

impl Accounts {
    fn get(&self, id: GatewayAccountId) -> Option<GatewayAccount> {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&id)
            .cloned()
    }

    fn put(&self, account: GatewayAccount) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        known.insert(account.id, account);
    }
}

impl Runner {
    async fn account(&self, id: GatewayAccountId) -> Result<Option<GatewayAccount>, store::Error> {
        if let Some(known) = self.accounts.get(id) {
            return Ok(Some(known));
        }
        let found = self.parts.store.gateway_account(id).await?;
        if let Some(account) = found
            .as_ref()
            .filter(|account| account.merchant_id.is_some())
        {
            self.accounts.put(account.clone());
        }
        Ok(found)
    }

    /// Which of the account's secret keys is in force.
    pub(crate) async fn credential_version(
        &self,
        id: GatewayAccountId,
    ) -> Result<i32, store::Error> {
        Ok(self
            .account(id)
            .await?
            .map_or(1, |account| account.credential_version))
    }

    /// Believes an answer only when it is known to be about our own merchant id at the gateway;
    /// until one is pinned, every id is.
    pub(crate) async fn vouched(&self, id: GatewayAccountId, answer: Answer) -> Answer {
        let Answer::Found(snapshot) = answer else {
            return answer;
        };
        let known = match self.account(id).await {
            Ok(Some(account)) => account.merchant_id,
            Ok(None) => {
                error!(account = %id, "an answer for an account that does not exist");
                return unvouched("no account");
            }
            Err(error) => {
                warn!(account = %id, %error, "an answer cannot be told from a stranger's");
                return unvouched("the account is not readable");
            }
        };
        if known.is_some_and(|known| known != snapshot.merchant_id) {
            error!(account = %id, "an answer carries another merchant id");
            return unvouched("another merchant id");
        }
        Answer::Found(snapshot)
    }

    /// Pins the merchant id that the first booked capture showed.
    pub(crate) async fn pin(&self, id: GatewayAccountId, snapshot: &Snapshot) {
        if self.accounts.get(id).is_some() || snapshot.merchant_id.is_empty() {
            return;
        }
        match self.account(id).await {
            Ok(Some(account)) if account.merchant_id.is_none() => {}
            Ok(_) | Err(_) => return,
        }
        let merchant_id = snapshot.merchant_id.clone();
        let change = Change::PinMerchantId {
            account: id,
            merchant_id,
        };
        match self.parts.store.commit(&[change]).await {
            Ok(()) => info!(account = %id, "merchant id pinned"),
            // Somebody else pinned it, or it is tried again at the next capture.
            Err(CommitError::Conflict) => {}
            Err(error) => warn!(account = %id, %error, "merchant id not pinned"),
        }
    }
}

/// What an answer is worth that may be somebody else's: it has to be asked for again.
fn unvouched(why: &str) -> Answer {
    Answer::Unknown(Cause::Unreadable(why.to_owned()))
}
