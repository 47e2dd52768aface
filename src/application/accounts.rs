//! Owns what the runner knows of gateway accounts: whose answers count, and which of them.

use std::collections::{HashMap, HashSet};
use std::sync::{PoisonError, RwLock};

use domain::change::Change;
use domain::id::GatewayAccountId;
use domain::saga::Saga;
use domain::snapshot::{Answer, Cause, Snapshot};
use tracing::{error, info, warn};

use crate::Runner;
use crate::ports::store::{self, CommitError};

/// A merchant id at the gateway, where one is pinned.
pub(crate) type Pinned = Option<String>;

/// What is remembered of accounts; none of it ever becomes untrue.
#[derive(Default)]
pub(crate) struct Accounts {
    /// Merchant ids at the gateway, once they are pinned.
    pinned: RwLock<HashMap<GatewayAccountId, String>>,
    /// The credential versions that are known to open the pinned merchant id.
    proven: RwLock<HashSet<(GatewayAccountId, i32)>>,
}

impl Accounts {
    fn pinned(&self, id: GatewayAccountId) -> Option<String> {
        let pinned = self.pinned.read().unwrap_or_else(PoisonError::into_inner);
        pinned.get(&id).cloned()
    }

    fn is_proven(&self, id: GatewayAccountId, version: i32) -> bool {
        let proven = self.proven.read().unwrap_or_else(PoisonError::into_inner);
        proven.contains(&(id, version))
    }

    fn prove(&self, id: GatewayAccountId, version: i32) {
        if !self.is_proven(id, version) {
            let mut proven = self.proven.write().unwrap_or_else(PoisonError::into_inner);
            proven.insert((id, version));
        }
    }
}

impl Runner {
    /// The merchant id that is pinned for the account; `None` when there is no such account.
    pub(crate) async fn merchant_id(
        &self,
        id: GatewayAccountId,
    ) -> Result<Option<Pinned>, store::Error> {
        if let Some(known) = self.accounts.pinned(id) {
            return Ok(Some(Some(known)));
        }
        let found = self.parts.store.gateway_account(id).await?;
        let found = found.map(|account| account.merchant_id);
        if let Some(Some(known)) = &found {
            let pinned = self.accounts.pinned.write();
            let mut pinned = pinned.unwrap_or_else(PoisonError::into_inner);
            pinned.insert(id, known.clone());
        }
        Ok(found)
    }

    /// Believes an answer to `saga`, given under this version of the credentials, only when it is
    /// known to be about our own merchant id at the gateway; until one is pinned, every id is.
    pub(crate) async fn vouched(&self, saga: &Saga, version: i32, answer: Answer) -> Answer {
        let id = saga.head.account;
        match answer {
            Answer::Found(snapshot) => self.vouched_found(id, version, snapshot).await,
            // A replaced key may be another merchant's, which knows nothing of what ours holds.
            Answer::NotFound
                if version != saga.head.credential_version
                    && !self.accounts.is_proven(id, version) =>
            {
                warn!(
                    account = %id,
                    begun = saga.head.credential_version,
                    asked = version,
                    "not found under replaced credentials proves nothing until they showed a \
                     payment of ours"
                );
                unvouched("not found under credentials that are not proven")
            }
            Answer::NotFound | Answer::Declined(_) | Answer::Unknown(_) => answer,
        }
    }

    async fn vouched_found(
        &self,
        id: GatewayAccountId,
        version: i32,
        snapshot: Box<Snapshot>,
    ) -> Answer {
        let known = match self.merchant_id(id).await {
            Ok(Some(known)) => known,
            Ok(None) => {
                error!(account = %id, "an answer for an account that does not exist");
                return unvouched("no account");
            }
            Err(error) => {
                warn!(account = %id, %error, "an answer cannot be told from a stranger's");
                return unvouched("the account is not readable");
            }
        };
        match known {
            Some(known) if known != snapshot.merchant_id => {
                error!(account = %id, "an answer carries another merchant id");
                return unvouched("another merchant id");
            }
            Some(_) => self.accounts.prove(id, version),
            None => {}
        }
        Answer::Found(snapshot)
    }

    /// Pins the merchant id that the first booked capture showed.
    pub(crate) async fn pin(&self, id: GatewayAccountId, snapshot: &Snapshot) {
        if snapshot.merchant_id.is_empty() {
            return;
        }
        match self.merchant_id(id).await {
            Ok(Some(None)) => {}
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
