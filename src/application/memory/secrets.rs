//! Owns what the store in memory keeps of secrets: accounts' credentials and data keys.

use std::ops::Bound;
use std::sync::Arc;

use async_trait::async_trait;
use domain::account::{Credentials, GatewayAccount, Status};
use domain::id::{DataKeyId, GatewayAccountId, MerchantId};
use domain::vault::{DataKey, Wrapped};

use super::apply::{Applied, insert, must};
use super::{Memory, State, rows};
use crate::ports::store::{CommitError, Error, Secrets};

impl State {
    pub(super) fn set_credentials(
        &mut self,
        id: GatewayAccountId,
        credentials: &Credentials,
        replaced: Option<i32>,
    ) -> Applied {
        let row = self.accounts.get_mut(&id).ok_or(CommitError::Conflict)?;
        let row = Arc::make_mut(row);
        if let Some(version) = replaced {
            must(row.credentials.is_some() && row.credential_version == version)?;
            row.credential_version = version.saturating_add(1);
        } else {
            must(row.credentials.is_none())?;
        }
        row.credentials = Some(credentials.clone());
        Ok(())
    }

    pub(super) fn set_account_status(&mut self, id: GatewayAccountId, status: Status) -> Applied {
        let row = self.accounts.get_mut(&id).ok_or(CommitError::Conflict)?;
        must(row.status == status.other())?;
        Arc::make_mut(row).status = status;
        Ok(())
    }

    pub(super) fn insert_data_key(&mut self, key: &DataKey) -> Applied {
        let taken = |known: &DataKey| known.merchant == key.merchant;
        must(!self.data_keys.values().any(taken))?;
        insert(&mut self.data_keys, key.id, key.clone())
    }

    pub(super) fn rewrap(&mut self, id: DataKeyId, wrapped: &Wrapped, expected: &str) -> Applied {
        let row = self.data_keys.get_mut(&id).ok_or(CommitError::Conflict)?;
        must(row.wrapped.master_key == expected)?;
        row.wrapped = wrapped.clone();
        Ok(())
    }
}

#[async_trait]
impl Secrets for Memory {
    async fn every_gateway_account(&self) -> Result<Vec<GatewayAccount>, Error> {
        let state = self.state();
        let accounts = state.accounts.values();
        let mut found: Vec<GatewayAccount> =
            accounts.map(|account| account.as_ref().clone()).collect();
        found.sort_by_key(|account| (account.created_at, account.id));
        Ok(found)
    }

    async fn data_key(&self, id: DataKeyId) -> Result<Option<DataKey>, Error> {
        Ok(self.state().data_keys.get(&id).cloned())
    }

    async fn data_key_of(&self, merchant: MerchantId) -> Result<Option<DataKey>, Error> {
        let state = self.state();
        let mut keys = state.data_keys.values();
        Ok(keys.find(|key| key.merchant == merchant).cloned())
    }

    async fn data_keys(&self, after: Option<DataKeyId>, limit: u32) -> Result<Vec<DataKey>, Error> {
        let state = self.state();
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let later = state.data_keys.range((from, Bound::Unbounded));
        Ok(later
            .take(rows(limit))
            .map(|(_, key)| key.clone())
            .collect())
    }
}
